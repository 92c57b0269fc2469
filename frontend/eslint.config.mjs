import { defineConfig } from 'eslint/config';
import grafana from '@grafana/eslint-config';

export default defineConfig([
  { ignores: ['**/node_modules/', 'browser/out/', 'browser/hosts/', 'screenshots/', 'coverage/'] },
  ...grafana,
  { rules: { 'react/prop-types': 'off' } },
  {
    files: ['src/**/*.{ts,tsx}'],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      '@typescript-eslint/no-deprecated': 'warn',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
    },
  },
]);
