/**
 * What a program imports as `colonnade/stream`:
 *
 * ```js
 * import { loadHistory, migrateStream } from "colonnade/stream";
 * const history = loadHistory([{ name: "1.yaml", text: first }, { name: "2.yaml", text: second }]);
 * for await (const bytes of migrateStream(source, { history, from: 1, to: 2, day: "2026-11-26" })) sink.write(bytes);
 * ```
 */
export { ColonnadeError, type ErrorKind } from "../base/errors.ts";
export { loadHistory, type SchemaHistory } from "../schema/history.ts";
export type { ByteSource } from "./byte-source.ts";
export { migrateStream, type StreamOptions, type StreamProgress } from "./migrate-stream.ts";
export type { StreamPlan } from "./stream-plan.ts";
