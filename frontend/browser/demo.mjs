// node browser/demo.mjs [--port N]: the panel and the query editor with the example traces, to try by hand.
import fs from 'node:fs';
import path from 'node:path';
import { startBackend } from './backend.mjs';
import { serve } from './server.mjs';
import { buildHost, front } from './set.mjs';

const at = process.argv.indexOf('--port');
const port = at < 0 ? 0 : Number(process.argv[at + 1]);
const dist = process.env.DIST ?? path.join(path.dirname(front), 'dist');
if (!fs.existsSync(path.join(dist, 'ktrdr-diagnosis-panel/module.js'))) {
  console.error(`The plugins are not in ${dist}: run \`npm run build\` first.`);
  process.exit(1);
}
const out = await buildHost('own');
const backend = await startBackend();
const { server, url } = await serve({ set: 'own', out, dist, backend: backend.url, port });
console.log(`Open ${url}/?demo in a browser. Ctrl-C ends it.`);
process.on('SIGINT', () => {
  server.close();
  backend.stop();
  process.exit(0);
});
