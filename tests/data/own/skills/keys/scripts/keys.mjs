import { readFileSync } from "node:fs";
import { flat } from "./flat.mjs";

const [one, other] = process.argv.slice(2).map((path) => flat(JSON.parse(readFileSync(path, "utf8"))));
const missing = one.filter((key) => !other.includes(key));
for (const key of missing) console.log(`missing: ${key}`);
console.error(`${one.length} keys`);
process.exitCode = missing.length ? 1 : 0;
