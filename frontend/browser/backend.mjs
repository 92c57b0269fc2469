// Starts the development server (dev_server.rs) that takes the place of Grafana's: example traces, a Jaeger, the real plugin.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { front } from './set.mjs';

const top = path.dirname(front);

function built(name) {
  const target = process.env.CARGO_TARGET_DIR ?? path.join(top, 'target');
  const found = ['release', 'debug']
    .map((profile) => path.join(target, profile, name))
    .filter((file) => fs.existsSync(file))
    .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs)[0];
  if (!found) {
    throw new Error(`${name} is not built: run \`cargo build --example dev_server --bin gpx_ktrdr_diagnosis\` in ${top}`);
  }
  return found;
}

export async function startBackend() {
  const child = spawn(built('examples/dev_server'), [built('gpx_ktrdr_diagnosis')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await new Promise((resolve, reject) => {
    readline.createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the development server ended with status ${code}`)));
    child.once('error', reject);
  });
  return { ...JSON.parse(line), stop: () => child.stdin.end() };
}
