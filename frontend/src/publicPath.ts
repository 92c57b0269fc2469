// Runs before the plugin's own code. Files loaded later must come from the same URL as this module.js (a sub-path, a CDN),
// which only the AMD loader knows.
// @ts-expect-error resolved by the loader: "amd-module" is AMD's own "module"
import amdModule from 'amd-module';

declare let __webpack_public_path__: string;
declare const __PLUGIN_ID__: string;

const uri: string | undefined = amdModule?.uri;
__webpack_public_path__ = uri ? uri.slice(0, uri.lastIndexOf('/') + 1) : `public/plugins/${__PLUGIN_ID__}/`;
