// The versions of Grafana's packages for the browser tests, and the bundle of the page for one of them.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rspack } from '@rspack/core';
import config from './rspack.host.mjs';

export const browser = path.dirname(fileURLToPath(import.meta.url));
export const front = path.dirname(browser);

/** Folder with the node_modules of a version: our own, or one below hosts/. */
export function folderOf(set) {
  const folder = set === 'own' ? front : path.join(browser, 'hosts', set);
  if (!fs.existsSync(path.join(folder, 'node_modules/@grafana/ui'))) {
    throw new Error(`no packages in ${folder}: run \`npm ci\` there`);
  }
  return folder;
}

export const versionOf = (set) =>
  JSON.parse(fs.readFileSync(path.join(folderOf(set), 'node_modules/@grafana/ui/package.json'), 'utf8')).version;

/** Builds the page. Its sources are copied beside the packages, so that their imports are resolved there. */
export async function buildHost(set) {
  const out = path.join(browser, 'out', set);
  const context = set === 'own' ? path.join(browser, 'host') : path.join(folderOf(set), '.host');
  if (set !== 'own') {
    fs.cpSync(path.join(browser, 'host'), context, { recursive: true });
  }
  const compiler = rspack(config({ context, out }));
  const stats = await new Promise((resolve, reject) => compiler.run((e, s) => (e ? reject(e) : resolve(s))));
  await new Promise((resolve) => compiler.close(resolve));
  if (stats.hasErrors()) {
    throw new Error(stats.toString({ preset: 'errors-only' }));
  }
  return out;
}
