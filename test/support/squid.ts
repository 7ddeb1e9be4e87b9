/** squid on loopback with Debian's rules: CONNECT to port 443 only, and requests from this machine. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, spawnServer } from './spawned-server.ts';

export interface Squid {
  readonly url: string;
  /** Log lines, one for each finished request. */
  log(): Promise<string>;
  close(): Promise<void>;
}

export async function startSquid(): Promise<Squid> {
  const home = await mkdtemp(join(tmpdir(), 'bypass-squid-'));
  const port = await freePort();
  const conf = join(home, 'squid.conf');
  await writeFile(
    conf,
    `acl SSL_ports port 443
acl Safe_ports port 80 443 1025-65535
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access allow localhost
http_access deny all
http_port 127.0.0.1:${port}
cache deny all
pid_filename none
cache_log ${home}/cache.log
access_log stdio:${home}/access.log
coredump_dir ${home}
shutdown_lifetime 0 seconds
`,
  );
  // Started as root, squid changes to its own user. Its shared memory is named after the service.
  await chmod(home, 0o777);
  const server = await spawnServer('squid', ['-N', '-n', `bypass${port}`, '-f', conf], port);
  return {
    url: `http://127.0.0.1:${port}`,
    log: () => readFile(join(home, 'access.log'), 'utf8'),
    async close() {
      await server.end('SIGTERM');
      await rm(home, { recursive: true });
    },
  };
}
