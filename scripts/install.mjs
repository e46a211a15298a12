// Runs before `npm start` and `npm test`, on whatever Node the machine has: installs what the lock file
// names when it is not there yet, so that a fresh clone needs no command before these two.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const wanted = readFileSync("package-lock.json", "utf8");
const marker = "node_modules/.package-lock.json";

/** The installed tree is current when npm's own record of it names the same version of every package. */
function isCurrent() {
  if (!existsSync(marker) || !existsSync("node_modules/.bin/node")) return false;
  const installed = JSON.parse(readFileSync(marker, "utf8")).packages;
  return Object.entries(JSON.parse(wanted).packages).every(
    ([path, entry]) => path === "" || entry.optional === true || installed[path]?.version === entry.version,
  );
}

if (!isCurrent()) {
  console.log("installing the packages of package-lock.json (once)");
  const done = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { stdio: "inherit" });
  if (done.status !== 0) process.exit(done.status ?? 1);
}
