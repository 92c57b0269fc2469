// node browser/run.mjs [--set own|11.6|13.2] [--only WORD]: tests the built plugins in a real browser against the real
// backend. Screenshots go to screenshots/ (not in the repository).
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { startBackend } from './backend.mjs';
import { serve } from './server.mjs';
import { buildHost, front, versionOf } from './set.mjs';
import { tests } from './tests.mjs';

const argument = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const set = argument('--set', 'own');
const only = argument('--only', '');
const dist = process.env.DIST ?? path.join(path.dirname(front), 'dist');
const shots = path.join(front, 'screenshots', set);

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--force-color-profile=srgb',
  '--font-render-hinting=none',
];

/** Warnings of the packages themselves in a development build, not caused by our code. */
const KNOWN = [
  /defaultProps will be removed from/, // @grafana/ui 11.6 and 12.4
  /findDOMNode is deprecated/,
  /Locize/,
  /\[Deprecation warning\]/,
  /Accessing element\.ref was removed in React 19/,
  /OpenFeature/i,
  /A props object containing a "key" prop is being spread/, // the table of 11.6
];

if (!fs.existsSync(CHROMIUM)) {
  console.error(`No browser at ${CHROMIUM}. Install it (apt-get install -y chromium) or name another with CHROMIUM=…`);
  process.exit(2);
}
fs.rmSync(shots, { recursive: true, force: true });
fs.mkdirSync(shots, { recursive: true });

const out = await buildHost(set);
const backend = await startBackend();
const { server, url } = await serve({ set, out, dist, backend: backend.url });
const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
const context = {
  url,
  shots,
  set,
  version: versionOf(set),
  backend,
  axe: fs.readFileSync(path.join(front, 'node_modules/axe-core/axe.min.js'), 'utf8'),
};

let failed = 0;
let passed = 0;
for (const { name, run, viewport, expectErrors } of tests(context)) {
  if (only && !name.includes(only)) {
    continue;
  }
  const started = Date.now();
  const said = [];
  const frame = await browser.newContext({
    viewport: viewport ?? { width: 1200, height: 900 },
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
    locale: 'en-US',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  // Requests must only go to the harness.
  await frame.route(
    (asked) => !asked.href.startsWith(url) && !/^(data|blob):/.test(asked.href),
    (route) => {
      said.push(`asked outside: ${route.request().url()}`);
      return route.abort();
    }
  );
  const page = await frame.newPage();
  page.setDefaultTimeout(30_000);
  page.on('console', (message) => {
    const text = message.text();
    if (
      message.type() === 'error' &&
      !KNOWN.some((known) => known.test(text)) &&
      !/Failed to load resource/.test(text)
    ) {
      said.push(`console: ${text.slice(0, 400)}`);
    }
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && !expectErrors) {
      said.push(`status ${response.status()}: ${response.url()}`);
    }
  });
  page.on('pageerror', (error) => said.push(`page error: ${error.message.slice(0, 400)}`));
  try {
    await page.goto(`${url}/`);
    await page.waitForFunction('window.harness');
    await run(page);
    if (said.length > 0) {
      throw new Error(`the page complained:\n       ${[...new Set(said)].join('\n       ')}`);
    }
    passed += 1;
    console.log(`ok   ${name} (${Date.now() - started} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${String(error.stack ?? error).slice(0, 1600)}`);
    if (said.length > 0) {
      console.log(`     ${[...new Set(said)].join('\n     ')}`);
    }
    await page.screenshot({ path: path.join(shots, `FAIL-${name.replace(/\W+/g, '-')}.png`) }).catch(() => {});
  }
  await frame.close();
}
await browser.close();
server.close();
backend.stop();
console.log(`${passed} passed, ${failed} failed with Grafana ${context.version}; pictures in ${shots}`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
