import { DataType, Field, FixedSizeList, LargeList, List, Map_, Schema, Struct } from "apache-arrow";
import { Message } from "apache-arrow/ipc/metadata/message";
import { plainArrowField } from "./arrow-types.ts";
import { checkArrowMessage } from "./check-arrow-message.ts";
import type { ColumnPaths } from "./column-paths.ts";
import { continuation, frame } from "./flat-buffer.ts";
import type { EmbeddedMapping, OutputField } from "./mapping.ts";

type Metadata = Map<string, string>;

/**
 * `ARROW:schema`: the Arrow schema of the writer, base64 of an encapsulated IPC message
 * (https://arrow.apache.org/docs/format/Columnar.html, "Encapsulated message format"). A field that is carried keeps
 * its own Arrow type (dictionaries, large and view types, time zones, extension metadata) under its new name; others
 * get the plain type of theirs. Metadata of the schema itself is rewritten by `rewriteMetadata`.
 *
 * Gives the value as it was when nothing changes; undefined when it cannot be decoded, or what it says does not fit.
 */
export function rewriteArrowSchema(
  value: string,
  mapping: EmbeddedMapping,
  paths: ColumnPaths,
  rewriteMetadata: (metadata: Metadata) => Metadata,
): string | undefined {
  try {
    const bytes = messageOf(value);
    checkArrowMessage(bytes);
    const message = Message.decode(bytes);
    if (!message.isSchema()) return undefined;
    const schema: Schema = message.header();
    const build = (keepIds: boolean): Schema => {
      const fields = rewriteArrowFields(schema.fields, mapping, paths, keepIds);
      return new Schema(fields, rewriteMetadata(schema.metadata), undefined, schema.metadataVersion);
    };
    const before = encode(schema);
    if (encode(build(true)) === before) return value;
    const after = encode(build(false));
    // What readers will do: an encoder's mistake must not become theirs.
    const again = Message.decode(messageOf(after));
    return again.isSchema() && again.header().fields.length === mapping.fields.length ? after : undefined;
  } catch {
    // apache-arrow throws what it meets: an unknown type (list views, run ends), offsets beyond the bytes.
    return undefined;
  }
}

/** The fields of the output, each as the source has it where it is carried. Throws a TypeError where the source does not fit. */
export function rewriteArrowFields(
  source: readonly Field[],
  mapping: EmbeddedMapping,
  paths: ColumnPaths,
  keepIds: boolean,
): Field[] {
  const rewrite = new ArrowRewrite(source, paths, keepIds);
  return mapping.fields.map((field) => rewrite.field(field));
}

/** The flatbuffer of an encapsulated message: after 0xFFFFFFFF and its length, or (before Arrow 0.15) its length. */
function messageOf(value: string): Uint8Array {
  const bytes = Buffer.from(value, "base64");
  const start = bytes.readUInt32LE(0) === continuation ? 8 : 4;
  const length = bytes.readUInt32LE(start - 4);
  return Uint8Array.from(bytes.subarray(start, start + length));
}

function encode(schema: Schema): string {
  return Buffer.from(frame(Message.encode(Message.from(schema)))).toString("base64");
}

class ArrowRewrite {
  readonly #roots: readonly Field[];
  readonly #paths: ColumnPaths;
  readonly #keepIds: boolean;

  constructor(roots: readonly Field[], paths: ColumnPaths, keepIds: boolean) {
    this.#roots = roots;
    this.#paths = paths;
    this.#keepIds = keepIds;
  }

  field(field: OutputField): Field {
    const source = field.source === undefined ? undefined : findField(this.#roots, field.source.path);
    if (source === undefined) return plainArrowField(field);
    const type = field.retyped ? plainArrowField(field).type : this.#type(field, source.type);
    return new Field(field.name, type, field.nullable, this.#metadata(field, source.metadata));
  }

  #type(field: OutputField, type: DataType): DataType {
    const { type: output } = field;
    switch (output.kind) {
      case "leaf":
        if (isNested(type)) throw new TypeError(`${field.name} is nested in the Arrow schema`);
        return type;
      case "struct":
        if (!DataType.isStruct(type)) throw new TypeError(`${field.name} is no struct in the Arrow schema`);
        return new Struct(output.fields.map((member) => this.field(member)));
      case "list": {
        // Arrow calls it item or element as it likes; the name is the writer's.
        const element = this.field(output.element);
        const named = (old: Field | undefined): Field => element.clone({ name: old?.name ?? element.name });
        if (DataType.isLargeList(type)) return new LargeList(named(type.children[0]));
        if (DataType.isFixedSizeList(type)) return new FixedSizeList(type.listSize, named(type.children[0]));
        if (DataType.isList(type)) return new List(named(type.children[0]));
        throw new TypeError(`${field.name} is no list in the Arrow schema`);
      }
      case "map": {
        if (!DataType.isMap(type)) throw new TypeError(`${field.name} is no map in the Arrow schema`);
        const [entries] = type.children;
        const content = new Struct<{ key: DataType; value: DataType }>([
          this.field(output.key),
          this.field(output.value),
        ]);
        return new Map_(
          new Field("entries", content, entries?.nullable ?? false, entries?.metadata),
          type.keysSorted,
        );
      }
    }
  }

  /**
   * The footer gives the field ids anew, and a stale copy here would hide them (Arrow C++, `PARQUET:field_id`); an
   * extension says what the values mean, which a cast or a lost member changed.
   */
  #metadata(field: OutputField, metadata: Metadata): Metadata {
    const isExtension = this.#paths.isContentCarried(field);
    const carried = Array.from(metadata).filter(
      ([key]) =>
        (this.#keepIds || key !== "PARQUET:field_id") && (isExtension || !key.startsWith("ARROW:extension:")),
    );
    return new Map(carried);
  }
}

function isNested(type: DataType): boolean {
  return DataType.isDictionary(type) ? isNested(type.dictionary) : (type.children?.length ?? 0) > 0;
}

/** A field of the Arrow schema by logical names: lists and maps have one child, whatever it is called. */
function findField(roots: readonly Field[], path: readonly string[]): Field | undefined {
  const [first, ...rest] = path;
  let at = roots.find(({ name }) => name === first);
  for (const name of rest) {
    if (at === undefined) return undefined;
    const type: DataType = at.type;
    if (DataType.isMap(type)) {
      const [entries] = type.children;
      at = entries?.type.children[name === "key" ? 0 : 1];
    } else if (DataType.isStruct(type)) {
      at = type.children.find((child: Field) => child.name === name);
    } else at = (type.children as Field[] | undefined)?.[0];
  }
  return at;
}
