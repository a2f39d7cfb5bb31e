// What scripts in Node.js do: files, threads, programs, WebAssembly, cryptography, timers.
const fs = require("node:fs");
const { execFileSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const { Worker } = require("node:worker_threads");
const zlib = require("node:zlib");

fs.mkdirSync("out/deep", { recursive: true });
fs.writeFileSync("out/deep/file", "text");
fs.renameSync("out/deep/file", "out/file");
console.log("files", fs.readFileSync("out/file", "utf8"));
console.log("programs", execFileSync("/usr/bin/printf", ["ok"], { encoding: "utf8" }));
console.log("cryptography", createHash("sha256").update("x").digest("hex").slice(0, 8));
console.log("compression", zlib.gunzipSync(zlib.gzipSync("ok")).toString());
// (module (func (export "f") (result i32) i32.const 7))
const wasm = Buffer.from("0061736d010000000105016000017f03020100070501016600000a0601040041070b", "hex");
console.log("wasm", new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports.f());
const worker = new Worker("require('node:worker_threads').parentPort.postMessage('ok')", { eval: true });
worker.on("message", (message) => console.log("threads", message));
worker.on("exit", () => setTimeout(() => console.log("timers ok"), 5));
