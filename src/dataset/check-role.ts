import type { ObjectStore } from "../store/object-store.ts";

/** What a job's role can be asked: a sentence, and what is wrong with it. */
export interface RoleCheck {
  readonly name: string;
  /** Whether a run fails without it; what is only more than a job needs is told of. */
  readonly isNeeded: boolean;
  readonly run: () => Promise<string | undefined>;
}

/**
 * What the role of a job may do with its stores: read the source, and write nothing but the destination. That it may write
 * the destination is seen by writing there. Throws `invalid` `ACCESS_DENIED`, with what is needed, where the source cannot be read.
 */
export function roleChecks(destination: ObjectStore, source: ObjectStore): readonly RoleCheck[] {
  const { role: ofSource } = source;
  const { role: ofDestination } = destination;
  const checks: RoleCheck[] = [
    { name: "the source can be listed and read", isNeeded: true, run: () => readOne(source) },
  ];
  if (ofSource !== undefined) {
    checks.push({
      name: "the source can only be read",
      isNeeded: false,
      run: async () => ((await ofSource.mayWrite()) ? "this role may write there too" : undefined),
    });
  }
  if (ofDestination !== undefined) {
    checks.push({
      name: "nothing beside the destination can be written",
      isNeeded: false,
      run: async () =>
        (await ofDestination.mayWriteBeside()) ? "this role may write elsewhere in the bucket" : undefined,
    });
  }
  return checks;
}

async function readOne(source: ObjectStore): Promise<undefined> {
  for await (const { key } of source.list("")) {
    await source.get(key, { range: { suffixBytes: 8 } });
    return;
  }
}
