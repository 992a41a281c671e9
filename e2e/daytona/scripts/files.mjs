// The file API through the TypeScript SDK, unmodified. SDK names the package,
// so that the same checks run over an old and a new release.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  chownSync,
  closeSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Readable } from "node:stream";
import { rejection, report } from "./report.mjs";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const sdk = require(String(process.env.SDK));
const { Daytona } = sdk;
const old = process.env.SDK === "daytona-sdk-0190";

const daytona = new Daytona({ target: "local" });
const sandbox = await daytona.create();
const fs = sandbox.fs;
const work = await sandbox.getWorkDir();

/**
 * @param {Promise<unknown>} promise
 * @param {string} name of the SDK's error class
 * @param {string} older name of the class in the old release
 */
async function throws(promise, name, older) {
  const e = await rejection(promise);
  const wanted = old ? older : name;
  assert.ok(e instanceof sdk[wanted], `${e?.constructor?.name}, not ${wanted}: ${e?.message}`);
  return e;
}

/** @param {NodeJS.ReadableStream} stream */
async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** @param {string} path */
const text = async (path) => (await fs.downloadFile(path)).toString();

await report({
  "a megabyte there and back": async () => {
    const bytes = randomBytes(1 << 20);
    await fs.uploadFile(bytes, "deep/down/blob.bin");
    assert.deepEqual(await fs.downloadFile("deep/down/blob.bin"), bytes);
    assert.deepEqual(readFileSync(join(work, "deep/down/blob.bin")), bytes);
  },
  "a local file there and back": async () => {
    const bytes = randomBytes(300_000);
    writeFileSync("local.bin", bytes);
    await fs.uploadFile("local.bin", "from-local.bin");
    await fs.downloadFile("from-local.bin", "back/again.bin");
    assert.deepEqual(readFileSync("back/again.bin"), bytes);
  },
  "an empty file": async () => {
    await fs.uploadFile(Buffer.alloc(0), "empty");
    assert.equal(statSync(join(work, "empty")).size, 0);
    assert.equal((await fs.downloadFile("empty")).length, 0);
  },
  "names of all kinds": async () => {
    for (const name of [
      "ordinary.txt",
      "with space.txt",
      "zażółć 🧪.txt",
      "plus+and&amp=1?.txt",
      "percent%20.txt",
      "semi;colon.txt",
      'quo"te.txt',
      "back\\slash.txt",
    ]) {
      const path = `names/${name}`;
      writeFileSync(join((await ready("names")) && work, path), name);
      chownSync(join(work, path), statSync(work).uid, statSync(work).gid); // as the sandbox would
      assert.equal(await text(path), name);
      assert.equal((await fs.getFileDetails(path)).name, name);
      await fs.uploadFile(Buffer.from(`new ${name}`), path);
      assert.equal(readFileSync(join(work, path), "utf8"), `new ${name}`);
    }
  },
  "an absolute path": async () => {
    await fs.uploadFile(Buffer.from("abs"), join(work, "abs.txt"));
    assert.equal(await text("abs.txt"), "abs");
    assert.equal(await text(join(work, "abs.txt")), "abs");
  },
  "many files at once": async () => {
    const files = Array.from({ length: 50 }, (_, i) => ({
      source: Buffer.from(`content ${i}`),
      destination: `many/${i}.txt`,
    }));
    await fs.uploadFiles(files);
    const got = await fs.downloadFiles([
      ...files.map((f) => ({ source: f.destination })),
      { source: "many/missing.txt" },
      { source: "many" },
    ]);
    assert.equal(got.length, 52);
    for (let i = 0; i < 50; i++) assert.equal(String(got[i].result), `content ${i}`);
    assert.match(got[50].error, /many\/missing.txt.*no such file/);
    assert.match(got[51].error, /is a directory/);
    assert.equal(got[50].errorDetails.statusCode, 404);
    assert.equal(got[50].errorDetails.errorCode, "FILE_NOT_FOUND");
  },
  "a stream up, with progress": async () => {
    const bytes = randomBytes(700_000);
    let sent = 0;
    await fs.uploadFileStream(
      Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]),
      "up.bin",
      {
        onProgress: (/** @type {{bytesSent: number}} */ p) => {
          sent = p.bytesSent;
        },
      },
    );
    assert.equal(sent, bytes.length);
    assert.deepEqual(readFileSync(join(work, "up.bin")), bytes);
  },
  "a stream down, with progress": async () => {
    const bytes = randomBytes(700_000);
    await fs.uploadFile(bytes, "down.bin");
    let total = 0;
    let got = 0;
    const stream = await fs.downloadFileStream("down.bin", {
      onProgress: (/** @type {{bytesReceived: number, totalBytes: number}} */ p) => {
        got = p.bytesReceived;
        total = p.totalBytes;
      },
    });
    assert.deepEqual(await all(stream), bytes);
    assert.equal(got, bytes.length);
    assert.equal(total, bytes.length);
  },
  "an upload that is cancelled leaves nothing": async () => {
    const stop = new AbortController();
    const endless = new Readable({
      read() {
        this.push(randomBytes(64 << 10));
      },
    });
    let seen = 0;
    const up = fs.uploadFileStream(endless, "cancelled/half.bin", {
      signal: stop.signal,
      onProgress: () => {
        if (++seen === 20) stop.abort();
      },
    });
    assert.match((await rejection(up)).message, /cancelled/i);
    await throws(
      fs.getFileDetails("cancelled/half.bin"),
      "DaytonaFileNotFoundError",
      "DaytonaNotFoundError",
    );
  },
  "what a file is": async () => {
    await fs.uploadFile(Buffer.from("12345"), "info/five.txt");
    await fs.setFilePermissions("info/five.txt", { mode: "640" });
    const info = await fs.getFileDetails("info/five.txt");
    assert.equal(info.name, "five.txt");
    assert.equal(info.isDir, false);
    assert.equal(info.size, 5);
    assert.equal(info.mode, "-rw-r-----");
    assert.equal(info.permissions, "0640");
    assert.ok(info.owner && info.group && info.modTime);
    assert.ok(Math.abs(Date.now() - Date.parse(info.modifiedAt)) < 60_000, info.modifiedAt);
    const dir = await fs.getFileDetails("info");
    assert.equal(dir.isDir, true);
  },
  "a directory's list": async () => {
    await fs.createFolder("tree/a/b", "755");
    await fs.uploadFile(Buffer.from("1"), "tree/one.txt");
    await fs.uploadFile(Buffer.from("2"), "tree/a/two.txt");
    const names = (await fs.listFiles("tree")).map((/** @type {{name: string}} */ f) => f.name);
    assert.deepEqual(names, ["a", "one.txt"]);
    assert.ok(
      (await fs.listFiles(".")).some((/** @type {{name: string}} */ f) => f.name === "tree"),
    );
    if (old) return;
    const deep = await fs.listFiles("tree", { depth: 2 });
    assert.deepEqual(
      deep.map((/** @type {{path: string}} */ f) => f.path),
      ["tree/a", "tree/a/b", "tree/a/two.txt", "tree/one.txt"].map((p) => join(work, p)),
    );
  },
  "folders and their modes": async () => {
    await fs.createFolder("folders/private", "700");
    assert.equal(statSync(join(work, "folders/private")).mode & 0o777, 0o700);
    await fs.createFolder("folders/private", "755"); // it is there
    await fs.uploadFile(Buffer.from("x"), "folders/file");
    await throws(
      fs.createFolder("folders/file", "755"),
      "DaytonaConflictError",
      "DaytonaConflictError",
    );
    await throws(
      fs.createFolder("folders/odd", "9x"),
      "DaytonaValidationError",
      "DaytonaValidationError",
    );
  },
  "move and delete": async () => {
    await fs.uploadFile(Buffer.from("m"), "mv/a.txt");
    await fs.moveFiles("mv/a.txt", "mv/b.txt");
    assert.equal(await text("mv/b.txt"), "m");
    await throws(fs.getFileDetails("mv/a.txt"), "DaytonaFileNotFoundError", "DaytonaNotFoundError");
    await throws(
      fs.moveFiles("mv/a.txt", "mv/c.txt"),
      "DaytonaFileNotFoundError",
      "DaytonaNotFoundError",
    );
    await throws(fs.moveFiles("mv/b.txt", "mv"), "DaytonaConflictError", "DaytonaConflictError");
    await throws(fs.deleteFile("mv"), "DaytonaValidationError", "DaytonaValidationError");
    await fs.deleteFile("mv/b.txt");
    await fs.createFolder("mv/x/y", "755");
    await fs.deleteFile("mv", true);
    await throws(fs.deleteFile("mv"), "DaytonaFileNotFoundError", "DaytonaNotFoundError");
  },
  "text is found and replaced": async () => {
    await fs.uploadFile(Buffer.from("first\nTODO: (a.b)\nlast"), "grep/one.py");
    await fs.uploadFile(Buffer.from("nothing here"), "grep/sub/two.py");
    await fs.uploadFile(Buffer.from("TODO: zażółć"), "grep/sub/three.md");
    const found = await fs.findFiles("grep", "TODO:");
    assert.deepEqual(found, [
      { file: join(work, "grep/one.py"), line: 2, content: "TODO: (a.b)" },
      { file: join(work, "grep/sub/three.md"), line: 1, content: "TODO: zażółć" },
    ]);
    assert.equal((await fs.findFiles("grep", "(a.b)")).length, 1);
    assert.deepEqual(await fs.findFiles("grep", "(a_b)"), []);
    const done = await fs.replaceInFiles(["grep/one.py", "grep/gone.py"], "(a.b)", "$1");
    assert.deepEqual(done[0], { file: "grep/one.py", success: true });
    assert.equal(done[1].success, false);
    assert.match(done[1].error, /no such file/);
    assert.equal(await text("grep/one.py"), "first\nTODO: $1\nlast");
  },
  "names are searched": async () => {
    const files = async (/** @type {string} */ glob) => (await fs.searchFiles("grep", glob)).files;
    assert.deepEqual(await files("*.py"), [
      join(work, "grep/one.py"),
      join(work, "grep/sub/two.py"),
    ]);
    assert.deepEqual(await files("**/two.py"), [join(work, "grep/sub/two.py")]);
    assert.deepEqual(await files("sub"), [join(work, "grep/sub")]);
    assert.deepEqual(await files("*.nothing"), []);
  },
  permissions: async () => {
    await fs.uploadFile(Buffer.from("#!/bin/sh\n"), "perm.sh");
    await fs.setFilePermissions("perm.sh", { mode: "755" });
    assert.equal(statSync(join(work, "perm.sh")).mode & 0o777, 0o755);
    await fs.uploadFile(Buffer.from("#!/bin/sh\necho\n"), "perm.sh"); // keeps it
    assert.equal(statSync(join(work, "perm.sh")).mode & 0o777, 0o755);
    const me = (await fs.getFileDetails("perm.sh")).owner;
    await fs.setFilePermissions("perm.sh", { owner: me });
    await throws(
      fs.setFilePermissions("perm.sh", { owner: "nobody-by-this-name" }),
      "DaytonaValidationError",
      "DaytonaValidationError",
    );
  },
  "errors have the SDK's classes": async () => {
    await throws(
      fs.downloadFile("no/such.txt"),
      "DaytonaFileNotFoundError",
      "DaytonaNotFoundError",
    );
    await throws(fs.downloadFile("grep"), "DaytonaInvalidFilePathError", "DaytonaValidationError");
    await throws(
      fs.uploadFile(Buffer.from("x"), "grep"),
      "DaytonaInvalidFilePathError",
      "DaytonaValidationError",
    );
    await throws(
      fs.uploadFile(Buffer.from("x"), "grep/one.py/x"),
      "DaytonaInvalidFilePathError",
      "DaytonaValidationError",
    );
    await throws(
      fs.getFileDetails("no/such.txt"),
      "DaytonaFileNotFoundError",
      "DaytonaNotFoundError",
    );
    await throws(fs.listFiles("no/such"), "DaytonaFileNotFoundError", "DaytonaNotFoundError");
    await throws(fs.deleteFile(work, true), "DaytonaValidationError", "DaytonaValidationError");
    const stream = rejection(fs.downloadFileStream("no/such.txt"));
    assert.match((await stream).message, /no such file/);
  },
  "a bad file doesn't keep the others from being stored": async () => {
    const e = await rejection(
      fs.uploadFiles([
        { source: Buffer.from("1"), destination: "some/one.txt" },
        { source: Buffer.from("2"), destination: "grep" },
        { source: Buffer.from("3"), destination: "some/three.txt" },
      ]),
    );
    assert.match(e.message, /1 of 3 files.*"grep": it is a directory/);
    assert.equal(await text("some/three.txt"), "3");
  },
  "a stopped sandbox refuses": async () => {
    const s = await daytona.create();
    await s.fs.uploadFile(Buffer.from("kept"), "kept.txt");
    await s.stop();
    await throws(s.fs.listFiles("."), "DaytonaConflictError", "DaytonaConflictError");
    await throws(
      s.fs.uploadFile(Buffer.from("x"), "x"),
      "DaytonaConflictError",
      "DaytonaConflictError",
    );
    await throws(s.fs.downloadFile("kept.txt"), "DaytonaConflictError", "DaytonaConflictError");
    await s.start();
    assert.equal(String(await s.fs.downloadFile("kept.txt")), "kept");
    await s.delete();
  },
  "twenty megabytes": async () => {
    closeSync(openSync("big", "w"));
    truncateSync("big", 20 << 20);
    await fs.uploadFile("big", "big.bin");
    assert.equal(statSync(join(work, "big.bin")).size, 20 << 20);
    await fs.downloadFile("big.bin", "big.back");
    assert.equal(statSync("big.back").size, 20 << 20);
    await fs.deleteFile("big.bin");
  },
});
await sandbox.delete();

/** @param {string} dir */
async function ready(dir) {
  await fs.createFolder(dir, "755");
  return true;
}
