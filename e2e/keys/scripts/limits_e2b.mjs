// A key's rate, with E2B's JavaScript SDK, which shows the status of an answer only.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { report } from "../../daytona/scripts/report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Sandbox } = require("@e2b/code-interpreter");

await report({
  "too fast": async () => {
    const sandbox = await Sandbox.create();
    for (let i = 0; i < 9; i++) {
      const e = await sandbox.runCode("1").then(
        () => undefined,
        (/** @type {any} */ fault) => fault,
      );
      if (e) {
        assert.match(e.message, /429|Too Many Requests/);
        return;
      }
    }
    throw new Error("nothing was thrown");
  },
});
process.exit(0);
