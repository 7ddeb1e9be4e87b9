import { checkIso } from '../../../images/inspect/iso.ts';
import { isoImage } from '../../support/images.ts';

const head = (image: Buffer): Buffer => image.subarray(0, 65_536);

describe('an ISO', () => {
  test('that is as long as its volume says, or longer, is whole', () => {
    const image = isoImage();
    expect(() => checkIso(head(image), image.length)).not.toThrow();
    expect(() => checkIso(head(image), image.length + 307_200)).not.toThrow();
    expect(() => checkIso(head(image))).not.toThrow();
  });

  test('that is shorter is cut short', () => {
    const image = isoImage();
    expect(() => checkIso(head(image), image.length - 1)).toThrow(
      `the ISO image says that it has ${image.length} bytes, but the file has ${image.length - 1}`,
    );
  });

  test('that ends within its descriptor is cut short', () => {
    expect(() => checkIso(isoImage().subarray(0, 0x8000 + 100))).toThrow('has no whole volume descriptor');
  });

  test('that begins with another descriptor (a boot record) is measured by its primary one', () => {
    const image = isoImage();
    image.copy(image, 0x8800, 0x8000, 0x8800);
    image.writeUInt8(0, 0x8000);
    image.writeUInt32LE(1, 0x8000 + 80);
    expect(() => checkIso(head(image), image.length)).not.toThrow();
    expect(() => checkIso(head(image), image.length - 1)).toThrow('cut short');
  });
});
