// Serves the page and, below /public/plugins/<id>/, each built plugin from its own folder, as Grafana does. Requests to
// Grafana's API are forwarded to the development server that runs the real plugin.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { browser, folderOf, front, versionOf } from './set.mjs';

const TYPES = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
  '.map': 'application/json',
};

export function serve({ set, out, dist, backend, port = 0 }) {
  const ui = path.join(folderOf(set), 'node_modules/@grafana/ui');
  const fonts = path.join(front, 'node_modules/@fontsource');
  const html = fs.readFileSync(path.join(browser, 'index.html'), 'utf8').replace('__VERSION__', versionOf(set));

  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://local');
    const send = (code, type, body) => {
      response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(body);
    };
    const file = (root, name) => {
      const full = path.join(root, path.normalize(`/${decodeURIComponent(name)}`));
      if (!fs.existsSync(full) || !fs.statSync(full).isFile()) {
        return send(404, 'application/json', '{"message":"Not found"}');
      }
      return send(200, TYPES[path.extname(full)] ?? 'application/octet-stream', fs.readFileSync(full));
    };
    let match;
    if (pathname === '/' || pathname === '/explore') {
      return send(200, 'text/html', html);
    }
    if ((match = /^\/host\/(.*)/.exec(pathname))) {
      return file(out, match[1]);
    }
    if ((match = /^\/public\/plugins\/([^/]+)\/(.*)/.exec(pathname))) {
      return file(path.join(dist, match[1]), match[2]);
    }
    // Grafana's packages do not contain its fonts; the same families come from other packages.
    if ((match = /^\/public\/fonts\/(inter|roboto)\/(?:Inter-(\w+))?/.exec(pathname))) {
      const face = { Regular: '400-normal', Medium: '500-normal', Italic: '400-italic' }[match[2]] ?? '400-normal';
      const family = match[1] === 'inter' ? 'inter' : 'roboto-mono';
      return file(path.join(fonts, family, 'files'), `${family}-latin-${face}.woff2`);
    }
    if ((match = /^\/public\/(?:build\/)?(img\/.*)/.exec(pathname))) {
      // No package contains this icon of Grafana.
      return file(path.join(ui, 'dist/public'), match[1].replace('unicons/spinner.svg', 'unicons/sync.svg'));
    }
    if (pathname.startsWith('/api/') && backend) {
      return hand(request, response, backend);
    }
    return pathname === '/favicon.ico'
      ? send(204, 'image/x-icon', '')
      : send(404, 'application/json', '{"message":"Not found"}');
  });
  return new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () => resolve({ server, url: `http://127.0.0.1:${server.address().port}` }))
  );
}

/** Forwards a request, streaming in both directions. */
function hand(request, response, backend) {
  const onwards = http.request(
    new URL(request.url, backend),
    { method: request.method, headers: { 'content-type': request.headers['content-type'] ?? 'application/json' } },
    (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }
  );
  onwards.on('error', (error) => {
    response.writeHead(502, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: error.message }));
  });
  response.on('close', () => onwards.destroy());
  request.pipe(onwards);
}
