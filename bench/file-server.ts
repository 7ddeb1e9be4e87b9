/** The origin: nginx, or, where that is not installed, a Node server in a process of its own. */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, isInstalled, stop, untilListening } from './processes.ts';

export interface FileServer {
  readonly name: 'nginx' | 'node';
  readonly url: string;
  close(): Promise<void>;
}

const NGINX = ['nginx', '/usr/sbin/nginx'].find(isInstalled);

/** Serves the folder of one file on a free port of loopback. */
export async function serveFile(file: string, workFolder: string): Promise<FileServer> {
  const port = await freePort();
  const child =
    NGINX === undefined
      ? spawn(process.execPath, [fileURLToPath(import.meta.url), file, String(port)], { stdio: 'ignore' })
      : spawn(NGINX, await nginxArguments(dirname(file), workFolder, port), { stdio: 'ignore' });
  const name = NGINX === undefined ? 'node' : 'nginx';
  try {
    await untilListening(child, name, port);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { name, url: `http://127.0.0.1:${port}/${basename(file)}`, close: () => stop(child) };
}

/** One process, no privileges, nothing outside the work folder. */
async function nginxArguments(root: string, workFolder: string, port: number): Promise<readonly string[]> {
  const folder = join(workFolder, 'nginx');
  await mkdir(folder);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 64; }
http {
  access_log off; sendfile on; tcp_nopush on;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; root ${root}; }
}
`,
  );
  return ['-p', folder, '-c', join(folder, 'nginx.conf')];
}

/** Whole files and single ranges, which is what the downloaders ask for. */
async function answer(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { size, mtimeMs } = await stat(file);
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0);
  const end = last === undefined || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  response.writeHead(first === undefined ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-length': end - start + 1,
    etag: `"${Math.trunc(mtimeMs)}-${size}"`,
    ...(first === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === 'HEAD') response.end();
  else createReadStream(file, { start, end, highWaterMark: 1_048_576 }).pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = '', port = ''] = process.argv.slice(2);
  createServer((request, response) => {
    answer(file, request, response).catch((error: unknown) => response.destroy(error as Error));
  }).listen(Number(port), '127.0.0.1');
}
