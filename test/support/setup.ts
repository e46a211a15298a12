import * as fc from "fast-check";

// The same cases in every run, so that a red run is about the change that it is of. Other cases: PROPERTY_SEED=1234 npm test.
fc.configureGlobal({ seed: Number(process.env["PROPERTY_SEED"] ?? 2026) });
