// node build.mjs [--development] [--watch]: both plugins into ../dist (or $DIST)
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { rspack } from '@rspack/core';
import { plugins, provided } from './bundle.mjs';
import config from './rspack.config.mjs';

const has = (flag) => process.argv.includes(flag);

/** Removes the files of an earlier build. Keeps the backend's executable, which is in the same folder. */
function sweep({ out }) {
  for (const name of fs.existsSync(out) ? fs.readdirSync(out) : []) {
    if (/\.js(\.map|\.LICENSE\.txt)?$/.test(name)) {
      fs.rmSync(path.join(out, name));
    }
  }
}

/** The modules that a built file requires, checked against those of every supported Grafana. */
function checkImports({ id, out }) {
  const file = path.join(out, 'module.js');
  const text = fs.readFileSync(file, 'utf8');
  const wanted = JSON.parse(/define\((?:"[^"]*",)?\s*(\[[^\]]*\])/.exec(text)?.[1]?.replaceAll("'", '"') ?? 'null');
  if (!wanted) {
    throw new Error(`${file}: no define([...]) found; Grafana's loader needs an AMD module`);
  }
  const unknown = wanted.filter((name) => !provided.includes(name));
  if (unknown.length > 0) {
    throw new Error(`${file} asks for ${unknown.join(', ')}, which not every supported Grafana provides`);
  }
  const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  console.log(
    `${id}: module.js ${kB(text.length)}, ${kB(zlib.gzipSync(text).length)} gzipped; from Grafana: ${wanted.join(', ')}`
  );
}

const compiler = rspack(config({ production: !has('--development') }));
const report = (error, stats) => {
  if (error || stats.hasErrors()) {
    process.exitCode = 1;
    console.error(error ?? stats.toString({ preset: 'errors-only' }));
    return;
  }
  try {
    plugins.forEach(checkImports);
  } catch (e) {
    process.exitCode = 1;
    console.error(e.message);
  }
};

plugins.forEach(sweep);
if (has('--watch')) {
  compiler.watch({}, report);
} else {
  compiler.run((error, stats) => {
    report(error, stats);
    compiler.close(() => {});
  });
}
