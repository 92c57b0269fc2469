import path from 'node:path';
import fs from 'node:fs';
import { rspack } from '@rspack/core';
import { DATASOURCE, externals, plugins, src, top } from './bundle.mjs';

const copied = ({ folder, json }) =>
  [
    { from: json, to: 'plugin.json' },
    { from: path.join(src, folder, 'img'), to: 'img' },
    // plugin.json lists them, so that the data source's settings offer to import them.
    ...(folder === 'datasource'
      ? [{ from: 'provisioning/dashboards/*.json', context: top, to: 'dashboards/[name][ext]', noErrorOnMissing: true }]
      : []),
    { from: 'docs/img/*.png', context: top, to: 'img/[name][ext]', noErrorOnMissing: true },
    { from: path.join(src, folder, 'README.md'), to: 'README.md' },
    { from: path.join(top, 'CHANGELOG.md'), to: 'CHANGELOG.md' },
    { from: path.join(top, 'LICENSE'), to: 'LICENSE', toType: 'file' },
  ].filter(({ from, noErrorOnMissing }) => noErrorOnMissing || fs.existsSync(from));

/** One compilation for each plugin. */
export default ({ production }) =>
  plugins.map((plugin) => ({
    name: plugin.id,
    context: src,
    mode: production ? 'production' : 'development',
    devtool: 'source-map',
    target: ['web', 'es2020'],
    entry: { module: ['./publicPath.ts', plugin.entry] },
    externals,
    amd: {}, // without it UMD packages in the bundle would call the page's own define()
    resolve: { extensions: ['.ts', '.tsx', '.mjs', '.js'] },
    module: {
      rules: [
        {
          test: /\.tsx?$/,
          exclude: /node_modules/,
          loader: 'builtin:swc-loader',
          options: {
            jsc: {
              parser: { syntax: 'typescript', tsx: true },
              // The classic runtime works with React 18 and 19. Only newer versions of Grafana share `react/jsx-runtime`.
              transform: { react: { runtime: 'classic', development: false } },
              target: 'es2020',
            },
          },
        },
        { test: /\.(svg|png)$/, type: 'asset/resource' },
      ],
    },
    output: {
      path: plugin.out,
      filename: '[name].js',
      chunkFilename: '[name].js?_cache=[contenthash]',
      library: { type: 'amd' },
      publicPath: `public/plugins/${plugin.id}/`,
      uniqueName: plugin.id,
      devtoolNamespace: plugin.folder === 'datasource' ? DATASOURCE : plugin.id,
      crossOriginLoading: 'anonymous',
    },
    performance: { hints: false },
    plugins: [
      new rspack.DefinePlugin({ __PLUGIN_ID__: JSON.stringify(plugin.id) }),
      new rspack.CopyRspackPlugin({ patterns: copied(plugin) }),
    ],
  }));
