// Bundles the page that takes the place of Grafana's, with the @grafana packages of one version.
import path from 'node:path';
import { rspack } from '@rspack/core';

export default ({ context, out }) => ({
  mode: 'development', // readable errors, and React's warnings
  devtool: false,
  target: ['web', 'es2022'],
  context,
  entry: { host: './host.tsx' },
  output: { path: out, publicPath: '/host/', filename: '[name].js', clean: true },
  resolve: {
    extensions: ['.tsx', '.ts', '.mjs', '.js'],
    fallback: { fs: false, stream: false, string_decoder: false },
  },
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        loader: 'builtin:swc-loader',
        options: { jsc: { parser: { syntax: 'typescript', tsx: true }, target: 'es2022' } },
      },
      { test: /\.m?js$/, type: 'javascript/auto', resolve: { fullySpecified: false } },
      { test: /\.css$/, type: 'css/auto' },
      { test: /\.(svg|png|ttf|woff2?)$/, type: 'asset/resource' },
    ],
  },
  plugins: [
    new rspack.DefinePlugin({ 'process.env.NODE_ENV': '"development"', 'process.env.NODE_DEBUG': 'undefined' }),
  ],
  performance: { hints: false },
  amd: {},
});
