import { gzipSync } from 'node:zlib';
import { HEAD_LENGTH, matchFormats, sniffFormat } from '../../../images/inspect/format.ts';
import { isoImage, noise, qcow2Header, rawDisk } from '../../support/images.ts';

const at = (offset: number, bytes: string | readonly number[], length = 4096): Buffer => {
  const head = Buffer.alloc(length);
  (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)).copy(head, offset);
  return head;
};

describe('the format of a file is recognised by its first bytes', () => {
  test.each([
    ['qcow2', qcow2Header()],
    ['qed', at(0, 'QED\0')],
    ['vmdk', at(0, 'KDMV')],
    ['vmdk', at(0, '# Disk DescriptorFile\nversion=1')],
    ['vhdx', at(0, 'vhdxfile')],
    ['vhd', at(0, 'conectix')],
    ['vdi', at(0x40, [0x7f, 0x10, 0xda, 0xbe])],
    ['parallels', at(0, 'WithoutFreeSpace')],
    ['luks', at(0, 'LUKS\xba\xbe')],
    ['iso', isoImage()],
    ['iso', isoImage(128 * 2048, true)],
    ['gzip', gzipSync('x')],
    ['bzip2', at(0, 'BZh91AY&SY')],
    ['xz', at(0, '\xfd7zXZ\0')],
    ['zstd', at(0, [0x28, 0xb5, 0x2f, 0xfd])],
    ['zip', at(0, 'PK\x03\x04')],
    ['git-lfs', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\n')],
    ['html', Buffer.from('\xef\xbb\xbf\n<!DOCTYPE html><title>Log in</title>', 'latin1')],
    ['html', Buffer.from('<!-- hello --> <HTML>')],
    ['xml', Buffer.from('<?xml version="1.0"?><Error/>')],
    ['xml', Buffer.from('<metalink xmlns="urn:ietf:params:xml:ns:metalink">')],
    ['json', Buffer.from('{"message": "not found"}')],
    ['json', Buffer.from('[{"a":1}]')],
    ['empty', Buffer.alloc(0)],
    ['gpt', at(512, 'EFI PART')],
    ['mbr', rawDisk(4096)],
    ['raw', noise(4096)],
    ['raw', Buffer.alloc(4096)],
    ['text', Buffer.from('{not json')],
  ])('%s', (format, head) => {
    expect(sniffFormat(head.subarray(0, HEAD_LENGTH))).toBe(format);
  });

  test('two disk formats at once are both reported', () => {
    const head = isoImage();
    qcow2Header().copy(head);
    expect(matchFormats(head).map(({ format }) => format)).toEqual(['qcow2', 'iso']);
  });

  test('a short file matches nothing that lies beyond its end', () => {
    for (let length = 1; length < 64; length += 1) {
      expect(sniffFormat(Buffer.alloc(length, 0x02))).toBe('raw');
    }
  });
});
