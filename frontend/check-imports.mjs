// Fails if files under src/ import each other in a circle. Imports of types count too: a file of a circle cannot be
// understood or moved without the others.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = path.dirname(fileURLToPath(import.meta.url));
const options = { moduleResolution: ts.ModuleResolutionKind.Bundler, jsx: ts.JsxEmit.React };

/** The files of the folder that a file imports. */
function importsOf(file, folder) {
  return ts
    .preProcessFile(fs.readFileSync(file, 'utf8'))
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => ts.resolveModuleName(name, file, options, ts.sys).resolvedModule?.resolvedFileName)
    .map((resolved) => resolved && path.resolve(resolved))
    .filter((resolved) => resolved?.startsWith(folder + path.sep));
}

/** The groups of files that import each other, directly or through others (Tarjan's strongly connected components). */
function circles(graph) {
  const order = new Map();
  const lowest = new Map();
  const stack = [];
  const found = [];
  const visit = (file) => {
    order.set(file, order.size);
    lowest.set(file, order.get(file));
    stack.push(file);
    for (const imported of graph.get(file) ?? []) {
      if (!order.has(imported)) {
        visit(imported);
      }
      if (stack.includes(imported)) {
        lowest.set(file, Math.min(lowest.get(file), lowest.get(imported)));
      }
    }
    if (lowest.get(file) === order.get(file)) {
      const group = stack.splice(stack.indexOf(file));
      if (group.length > 1 || graph.get(file)?.includes(file)) {
        found.push(group.sort());
      }
    }
  };
  [...graph.keys()].forEach((file) => order.has(file) || visit(file));
  return found;
}

const folder = path.resolve(process.argv[2] ?? path.join(root, 'src'));
const files = fs
  .readdirSync(folder, { recursive: true })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => path.join(folder, name));
const found = circles(new Map(files.map((file) => [file, importsOf(file, folder)])));
for (const group of found) {
  console.error(`These files import each other in a circle: ${group.map((f) => path.relative(root, f)).join(', ')}`);
}
process.exitCode = found.length > 0 || files.length === 0 ? 1 : 0;
