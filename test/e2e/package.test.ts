/**
 * What the package and the image hold, proved without a Docker daemon: packed, installed without development
 * dependencies, and run as a user without rights in a container whose root is read-only.
 */
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { exitCodes } from "../../src/base/errors.ts";
import { manifestSchema, pointerSchema } from "../../src/dataset/formats.ts";
import { missingForContainers, signalContainer, startContainer } from "../support/container.ts";
import { writeFlights } from "../support/flights-data.ts";
import { imageEntrypoint, imageMounts, installPackedApp, repository } from "../support/packed-app.ts";
import type { PackedApp } from "../support/packed-app.ts";

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

const read = (path: string): string => readFileSync(join(repository, path), "utf8");
const manifest = JSON.parse(read("package.json")) as {
  version: string;
  devDependencies: Record<string, string>;
};

const missing = missingForContainers();
/** No user of this machine: nothing is his, and he has no home. */
const user = 65_532;
const job = "/etc/colonnade/jobs/flights.yaml";

const directory = mkdtempSync(join(tmpdir(), "colonnade-package-"));
let app: PackedApp;

beforeAll(async () => {
  app = await installPackedApp(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("the package", () => {
  test("holds the compiled program and the formats, and no source", () => {
    const pages = ["CHANGELOG.md", "LICENSE", "README.md"];
    for (const path of app.files)
      expect(path).toMatch(/^(dist\/|schemas\/formats\/|package\.json$|[A-Z]+(\.md)?$)/);
    expect(app.files.filter((path) => pages.includes(path))).toEqual(
      pages.filter((path) => existsSync(join(repository, path))),
    );
    expect(app.files.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([]);
    expect(app.files.filter((path) => /\.test\.|(^|\/)test\//.test(path))).toEqual([]);
    expect(
      app.files.filter((path) => path.startsWith("schemas/") && !path.startsWith("schemas/formats/")),
    ).toEqual([]);
  });

  test("is installed without any development dependency, the pinned Node among them", () => {
    const { packages } = JSON.parse(read("package-lock.json")) as LockFile;
    const installed = readdirSync(join(app.root, "node_modules"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith("/package.json"))
      .map((path) => `node_modules/${path.slice(0, -"/package.json".length)}`)
      .filter((path) => path in packages);
    expect(installed).toContain("node_modules/apache-arrow");
    expect(installed.filter((path) => packages[path]?.dev === true)).toEqual([]);
  });

  test("has the library, typed, and the licences of what was joined to the program", async () => {
    const script = `import { migrateStream, loadHistory } from "colonnade/stream";
      const version = (n, name) => ({ name: n + ".yaml", text: "dataset: d\\nversion: " + n + "\\nfields: [{ id: 1, name: " + name + ", type: int64 }]" });
      const options = { history: loadHistory([version(1, "a"), version(2, "b")]), from: 1, to: 2, day: "2026-01-01" };
      try { for await (const bytes of migrateStream((async function* () {})(), options)) console.log(bytes.length); }
      catch ({ kind, code }) { console.log(kind, code); }`;
    const ran = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: app.root,
      encoding: "utf8",
    });
    expect(ran.stdout.trim()).toBe("data STREAM_MALFORMED");
    const { exports } = JSON.parse(readFileSync(join(app.root, "package.json"), "utf8")) as {
      exports: Record<string, { types: string }>;
    };
    expect(readFileSync(join(app.root, exports["./stream"]?.types ?? ""), "utf8")).toContain("migrateStream");
    expect(readFileSync(join(app.root, "dist/THIRD-PARTY-LICENSES"), "utf8")).toMatch(
      /^zod [\d.]+ \(MIT\)$/m,
    );
  });

  test("has relative imports that Node can follow: none names a TypeScript file", () => {
    const compiled = app.files.filter((path) => path.endsWith(".js"));
    const wrong = compiled.filter((path) =>
      /(from|import\() ?"\.[^"]*\.ts"/.test(readFileSync(join(app.root, path), "utf8")),
    );
    expect(compiled.length).toBeGreaterThan(50);
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(missing)(
  `the image's content in a container${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    const directory = mkdtempSync(join(tmpdir(), "colonnade-image-"));
    const data = join(directory, "data");
    const rows = 30_000;
    let runs = 0;

    beforeAll(async () => {
      for (const name of ["empty", "tmp", "etc/jobs", "data/raw", "data/migrated"]) {
        mkdirSync(join(directory, name), { recursive: true });
      }
      writeFileSync(
        join(directory, "etc/jobs/flights.yaml"),
        read("jobs/flights.yaml").replaceAll("file:../.data/flights", "file:/data"),
      );
      cpSync(join(repository, "schemas/flights"), join(directory, "etc/schemas/flights"), {
        recursive: true,
      });
      await writeFlights(join(data, "raw"), { rows, objectsPerMonth: 4 });
      for (const name of ["tmp", "data/migrated"]) chownSync(join(directory, name), user, user);
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    function start(...args: string[]): { child: ChildProcess; log: string } {
      runs += 1;
      const logPath = join(directory, `${runs}.log`);
      const child = startContainer({
        argv: [...imageEntrypoint, ...args],
        env: { HOME: "/tmp", NODE_ENV: "production" },
        workingDirectory: "/opt/colonnade",
        user,
        group: user,
        readOnlyRoot: true,
        mounts: [
          ...imageMounts(app, join(directory, "empty")),
          { from: join(directory, "etc"), to: "/etc/colonnade", readOnly: true },
          { from: join(data, "raw"), to: "/data/raw", readOnly: true },
          { from: join(data, "migrated"), to: "/data/migrated", readOnly: false },
          { from: join(directory, "tmp"), to: "/tmp", readOnly: false },
        ],
        directory: join(directory, `container-${runs}`),
        logPath,
      });
      return { child, log: logPath };
    }

    async function run(...args: string[]): Promise<{ exitCode: number | null; output: string }> {
      const { child, log } = start(...args);
      if (child.exitCode === null) await once(child, "exit");
      return { exitCode: child.exitCode, output: readFileSync(log, "utf8") };
    }

    const dataObjects = (): Set<string> =>
      new Set(
        globSync("data/**/*.parquet", { cwd: join(data, "migrated") }).map(
          (path) => `${path} ${statSync(join(data, "migrated", path)).mtimeMs}`,
        ),
      );

    test("says its version and teaches its commands", async () => {
      expect(await run("--version")).toEqual({ exitCode: 0, output: `${manifest.version}\n` });
      const help = await run("--help");
      expect(help).toMatchObject({
        exitCode: 0,
        output: expect.stringContaining("colonnade apply") as string,
      });
    });

    test("SIGTERM to process 1 ends a run with 21; the rerun keeps what was done, and commits", async () => {
      const { child } = start("apply", job);
      while (dataObjects().size < 2 && child.exitCode === null) await sleep(2);
      signalContainer(child, "SIGTERM");
      await once(child, "exit");
      expect(child.exitCode).toBe(exitCodes.cancelled);
      const done = dataObjects();
      const objects = globSync("**/*.parquet", { cwd: join(data, "raw") }).length;
      expect(done.size).toBeLessThan(objects);
      expect(existsSync(join(data, "migrated/pointers/current.json"))).toBe(false);

      expect(await run("apply", job)).toMatchObject({ exitCode: 0 });
      expect([...done].filter((object) => !dataObjects().has(object))).toEqual([]);
      const pointer = pointerSchema.parse(
        JSON.parse(readFileSync(join(data, "migrated/pointers/current.json"), "utf8")),
      );
      const { totals } = manifestSchema.parse(
        JSON.parse(readFileSync(join(data, "migrated", pointer.manifest.key), "utf8")),
      );
      expect(totals).toMatchObject({ objects, rows, rowsQuarantined: 0 });
      expect(dataObjects().size).toBe(objects);
    });

    test("a run with nothing to do says so and writes nothing", async () => {
      const before = dataObjects();
      expect(await run("apply", job)).toMatchObject({ exitCode: 0 });
      expect(dataObjects()).toEqual(before);
    });
  },
);

describe("what is written in two places is the same", () => {
  test("the image has the Node of the tests", () => {
    expect(read("Dockerfile")).toContain(`ARG NODE_VERSION=${manifest.devDependencies["node"]}\n`);
  });

  test("the manifests name the image of this version", () => {
    const images = ["deploy/cronjob/cronjob.yaml", "deploy/backfill/job.yaml"].map(
      (path) => /image: (\S+)/.exec(read(path))?.[1],
    );
    expect(images).toEqual([`colonnade:${manifest.version}`, `colonnade:${manifest.version}`]);
  });

  test("docker-compose.yml starts the MinIO of the tests", () => {
    const [image] = /quay\.io\/minio\/minio:RELEASE[\w.-]+/.exec(read("test/support/find-minio.ts")) ?? [];
    expect(image).toBeDefined();
    expect(read("docker-compose.yml")).toContain(image);
  });

  test("what the Dockerfile copies is there, and passes .dockerignore", () => {
    const copies = read("Dockerfile").matchAll(/^COPY (?!--from)(.+) \S+$/gm);
    const copied = [...copies].flatMap(([, names = ""]) => names.split(" "));
    expect(copied).toContain("src");
    const allowed = read(".dockerignore").split("\n");
    for (const name of copied) {
      expect(name).toSatisfy((path: string) => existsSync(join(repository, path)));
      expect(allowed).toContain(`!${name.split("/")[0]}`);
    }
  });
});
