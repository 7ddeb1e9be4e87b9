/** Downloads packed images, and looks at what came of it. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { download } from '../../images/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../images/download.ts';
import { openDownloadLab } from './download-lab.ts';
import type { DownloadLab } from './download-lab.ts';
import { sha256 } from './images.ts';

type Deps = Parameters<DownloadLab['deps']>[0];

export interface UnpackLab extends DownloadLab {
  /** Serves a body, and downloads it. */
  bring(body: Buffer, changes?: Partial<DownloadRequest>, deps?: Deps): Promise<DownloadedImage>;
  /** Published is exactly this, and nothing lies beside it. */
  expectImage(image: DownloadedImage, bytes: Buffer): Promise<void>;
  /** Nothing is published, and nothing unpacked was left. */
  expectNothing(): Promise<void>;
}

export async function openUnpackLab(): Promise<UnpackLab> {
  const lab = await openDownloadLab();
  return {
    ...lab,
    bring(body, changes = {}, deps = {}) {
      lab.server.serve('/file', { body });
      return download(
        lab.request({ url: lab.server.url('/file'), copyId: randomUUID(), ...changes }),
        lab.deps({ checkpointBytes: 1_048_576, ...deps }),
      );
    },
    async expectImage(image, bytes) {
      expect((await readFile(image.localPath)).equals(bytes)).toBe(true);
      expect(image).toMatchObject({ size: bytes.length, sha256: sha256(bytes) });
      expect(await lab.parts()).toEqual([]);
    },
    async expectNothing() {
      expect(await lab.published()).toEqual([]);
      expect((await lab.parts()).filter((name) => name.endsWith('.inflated'))).toEqual([]);
    },
  };
}
