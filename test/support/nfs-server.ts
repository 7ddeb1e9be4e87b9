/** An NFS version 4 server in user space (nfs-ganesha) that exports one folder, read only. Requires root. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needing } from './programs.ts';
import { freePort, spawnServer } from './spawned-server.ts';

export interface NfsServer {
  url(name: string): string;
  /** Stops answering, without ending connections. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** `describe`, or `describe.skip` when the server cannot run. */
export const needingNfsServer = (): jest.Describe =>
  process.getuid?.() === 0 ? needing('ganesha.nfsd', 'nfs-cat', 'nfs-ls') : describe.skip;

/** @param fill puts files into the folder; the server may not see later changes */
export async function startNfsServer(fill: (folder: string) => Promise<void>): Promise<NfsServer> {
  const home = await mkdtemp(join(tmpdir(), 'bypass-nfs-'));
  const folder = join(home, 'exp');
  // Folders of the server, which its package creates only under systemd.
  for (const path of [folder, '/var/run/ganesha', '/var/lib/nfs/ganesha']) {
    await mkdir(path, { recursive: true });
  }
  await fill(folder);
  const port = await freePort();
  await writeFile(join(home, 'ganesha.conf'), configuration(folder, port));
  const args = ['-F', '-f', join(home, 'ganesha.conf'), '-L', join(home, 'log'), '-p', join(home, 'pid')];
  const server = await spawnServer('ganesha.nfsd', args, port);
  return {
    url: (name) => `nfs://127.0.0.1:${port}/exp/${name}`,
    freeze: () => server.kill('SIGSTOP'),
    thaw: () => server.kill('SIGCONT'),
    async close() {
      await server.end();
      await rm(home, { recursive: true });
    },
  };
}

const configuration = (folder: string, port: number): string => `
NFS_CORE_PARAM { NFS_Port = ${port}; Bind_addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false; Protocols = 4; }
NFSV4 { Graceless = true; RecoveryBackend = fs; }
EXPORT {
  Export_Id = 1; Path = ${folder}; Pseudo = /exp; Access_Type = RO; Squash = No_Root_Squash; SecType = sys;
  Protocols = 4; FSAL { Name = VFS; }
}
LOG { Default_Log_Level = WARN; }
`;
