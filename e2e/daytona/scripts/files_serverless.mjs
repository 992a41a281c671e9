// The file API through the TypeScript SDK where it can stream nothing, as in
// browsers and on serverless platforms: other code of the SDK's, other formats.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { report } from "./report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Daytona } = require(String(process.env.SDK));

const daytona = new Daytona({ target: "local" });
const sandbox = await daytona.create();
const fs = sandbox.fs;
const work = await sandbox.getWorkDir();

await report({
  "there and back": async () => {
    for (const name of ["a.txt", "with space.txt", "zażółć 🧪.txt", "semi;colon.txt"]) {
      await fs.uploadFile(Buffer.from(`of ${name}`), `names/${name}`);
      assert.equal(readFileSync(join(work, "names", name), "utf8"), `of ${name}`);
      assert.equal(String(await fs.downloadFile(`names/${name}`)), `of ${name}`);
    }
  },
  "some are missing": async () => {
    const got = await fs.downloadFiles([{ source: "names/a.txt" }, { source: "names/b.txt" }]);
    assert.equal(String(got[0].result), "of a.txt");
    assert.match(got[1].error, /no such file/);
  },
});
await sandbox.delete();
