// A program that creates a sandbox, uses it, and neither deletes it nor closes
// the client. The SDK's event stream must not keep it from ending.
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Daytona } = require("@daytonaio/sdk");

const sandbox = await new Daytona({ target: "local" }).create();
const r = await sandbox.codeInterpreter.runCode("print(1)");
process.stdout.write(`${JSON.stringify({ stdout: r.stdout, done: Date.now() })}\n`);
