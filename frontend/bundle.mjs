// The bundles, their sources, and the modules that Grafana provides at run time.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = path.dirname(fileURLToPath(import.meta.url));
export const top = path.dirname(here);
export const src = path.join(here, 'src');
export const dist = process.env.DIST ?? path.join(top, 'dist');

export const DATASOURCE = 'ktrdr-diagnosis-datasource';
export const PANEL = 'ktrdr-diagnosis-panel';

/** The plugins, each with its own folder: Grafana serves a plugin below its own id and shares no chunks between two. */
export const plugins = [
  { id: DATASOURCE, folder: 'datasource', json: path.join(top, 'plugin.json') },
  { id: PANEL, folder: 'panel', json: path.join(src, 'panel/plugin.json') },
].map((p) => ({ ...p, entry: `./${p.folder}/module.ts`, out: path.join(dist, p.id) }));

/** Grafana's loader provides these to every plugin (`sharedDependencies.ts` in Grafana's source). */
export const externals = [
  { 'amd-module': 'module' },
  'lodash',
  'moment',
  'rxjs',
  'rxjs/operators',
  '@emotion/css',
  '@emotion/react',
  'i18next',
  'prismjs',
  'd3',
  'slate',
  'slate-plain-serializer',
  'redux',
  'react-redux',
  'react',
  'react/jsx-runtime',
  'react/jsx-dev-runtime',
  'react-dom',
  'react-router',
  /^@grafana\/(ui|data|runtime)(\/unstable)?$/,
];

/** Modules of every supported Grafana. The built files may not require any other (no jsx-runtime: 11.6.0 lacks it). */
export const provided = [
  'module',
  'react',
  'react-dom',
  'rxjs',
  'lodash',
  '@emotion/css',
  '@grafana/data',
  '@grafana/ui',
  '@grafana/runtime',
];
