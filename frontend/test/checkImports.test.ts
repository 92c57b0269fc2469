import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Runs check-imports.mjs on files with these contents. */
function check(files: Record<string, string>) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'check-imports-'));
  for (const [name, text] of Object.entries(files)) {
    fs.writeFileSync(path.join(folder, name), text);
  }
  const { status, stderr } = spawnSync('node', [path.join(__dirname, '../check-imports.mjs'), folder], {
    encoding: 'utf8',
  });
  fs.rmSync(folder, { recursive: true });
  return { status, stderr };
}

it('accepts files that share an import', () => {
  const files = {
    'a.ts': "import './b';\nimport './c';\n",
    'b.tsx': "import { c } from './c';\n",
    'c.ts': 'export const c = 1;\n',
  };
  expect(check(files)).toEqual({ status: 0, stderr: '' });
});

// review section 2: eight files around datasource.ts, tied by imports of types.
it('names the files of a circle, even if one of the imports is only a type', () => {
  const files = {
    'a.ts': "import { b } from './b';\n",
    'b.ts': "export { c as b } from './c';\n",
    'c.ts': "import { type A } from './a';\nexport const c = 1;\n",
    'outside.ts': "import './a';\n",
  };
  const { status, stderr } = check(files);
  expect(status).toBe(1);
  expect(stderr).toMatch(/circle: \S*a\.ts, \S*b\.ts, \S*c\.ts\n$/);
});

it('fails if there is nothing to check', () => {
  expect(check({}).status).toBe(1);
});
