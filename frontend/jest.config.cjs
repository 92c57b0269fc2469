process.env.TZ = 'UTC';

// Packages of Grafana's tree that ship ES modules only and therefore have to pass through swc.
const esm = [
  '@grafana/schema',
  '@wojtekmaj/date-utils',
  'd3',
  'd3-color',
  'd3-force',
  'd3-interpolate',
  'd3-scale-chromatic',
  'get-user-locale',
  'marked',
  'memoize',
  'mimic-function',
  'ol',
  'react-calendar',
  'react-colorful',
  'rxjs',
  'uuid',
];

module.exports = {
  testEnvironment: 'jest-environment-jsdom',
  setupFilesAfterEnv: ['<rootDir>/jest-setup.ts'],
  testTimeout: 60_000,
  testMatch: ['<rootDir>/{src,test}/**/*.test.{ts,tsx}'],
  moduleNameMapper: {
    '\\.(css|scss)$': '<rootDir>/test/empty.js',
    'react-inlinesvg': '<rootDir>/test/inlinesvg.tsx',
  },
  transform: {
    '^.+\\.(t|j|mj)sx?$': ['@swc/jest', { sourceMaps: 'inline', jsc: { parser: { syntax: 'typescript', tsx: true } } }],
  },
  transformIgnorePatterns: [`node_modules/(?!.*(${esm.join('|')})/.*)`],
};
