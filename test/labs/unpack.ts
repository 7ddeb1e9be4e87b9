/** The unpack lab: a download lab that downloads packed images and checks the result. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { download } from '../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../images/attempt/download.ts';
import { openDownloadLab } from './download.ts';
import type { DownloadLab } from './download.ts';
import { sha256 } from '../support/images.ts';

type Deps = Parameters<DownloadLab['deps']>[0];

export interface UnpackLab extends DownloadLab {
  /** Serves a body and downloads it. */
  bring(body: Buffer, changes?: Partial<DownloadRequest>, deps?: Deps): Promise<DownloadedImage>;
  /** Asserts that exactly these bytes are published, and that no part is left. */
  expectImage(image: DownloadedImage, bytes: Buffer): Promise<void>;
  /** Asserts that nothing is published, and that no unpacked file is left. */
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
