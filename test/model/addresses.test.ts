import { commonBlocks, formsOf, isWithin, parseAddress, parseBlock } from '../../model/addresses.ts';
import { commonPorts, holdsPort, parsePorts } from '../../model/ports.ts';

const within = (address: string, block: string): boolean | undefined => {
  const [a, b] = [parseAddress(address), parseBlock(block)];
  return a && b && isWithin(a, b);
};
const written = (text: string): readonly string[] =>
  formsOf(parseAddress(text) ?? { bits: 32, value: 0n }).map(
    ({ bits, value }) => `${bits}:${value.toString(16)}`,
  );

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  '0x7f.1',
  '2130706433',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  'g::',
])('%j is no address', (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

test.each([
  ['::1', '0:0:0:0:0:0:0:1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['64:ff9b::169.254.169.254', '64:ff9b::a9fe:a9fe'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['2001:DB8::A', '2001:db8::a'],
])('%s and %s are the same address', (one, other) => {
  expect(parseAddress(one)).toEqual(parseAddress(other));
  expect(parseAddress(one)).toBeDefined();
});

test.each([
  '10.0.0.1/8',
  '10.0.0.0/33',
  '::/129',
  '10.0.0.0/',
  '/8',
  'fe80::%eth0/64',
  'example.org',
  '10.0.0.0/8/8',
])('%j is no block', (text) => {
  expect(parseBlock(text)).toBeUndefined();
});

test.each([
  ['10.255.0.1', '10.0.0.0/8', true],
  ['11.0.0.1', '10.0.0.0/8', false],
  ['1.2.3.4', '0.0.0.0/0', true],
  ['::1', '0.0.0.0/0', false],
  ['fd12::1', 'fc00::/7', true],
  ['fe00::1', 'fc00::/7', false],
  ['127.0.0.1', '::ffff:127.0.0.0/104', true],
])('%s within %s: %s', (address, block, expected) => {
  expect(within(address, block)).toBe(expected);
});

test.each([
  ['::ffff:127.0.0.1', ['32:7f000001']],
  ['::ffff:7f00:1', ['32:7f000001']],
  ['::ffff:0:7f00:1', ['128:ffff00007f000001', '32:7f000001']],
  ['64:ff9b::7f00:1', ['128:64ff9b00000000000000007f000001', '32:7f000001']],
  ['2002:a9fe:a9fe::1', ['128:2002a9fea9fe00000000000000000001', '32:a9fea9fe']],
  ['2001:0:1:2:3:4:80ff:fffe', ['128:20010000000100020003000480fffffe', '32:7f000001']],
  ['2a00::5efe:7f00:1', ['128:2a0000000000000000005efe7f000001', '32:7f000001']],
  ['::1', ['128:1']],
  ['10.0.0.1', ['32:a000001']],
])('%s stands for %j', (text, forms) => {
  expect(written(text)).toEqual(forms);
});

test('the common blocks of two lists are the narrower ones', () => {
  expect(commonBlocks(['10.0.0.0/8', 'fd00::/8'], ['10.20.0.0/16', '192.168.0.0/16', 'fd00:1::/32'])).toEqual(
    ['10.20.0.0/16', 'fd00:1::/32'],
  );
  expect(commonBlocks(['10.20.0.0/16'], ['0.0.0.0/0'])).toEqual(['10.20.0.0/16']);
  expect(commonBlocks(['10.20.0.0/16'], ['10.21.0.0/16'])).toEqual([]);
});

test('ports and ranges of ports are parsed, matched and intersected', () => {
  expect(parsePorts('443')).toEqual({ first: 443, last: 443 });
  expect(parsePorts('8000-8999')).toEqual({ first: 8000, last: 8999 });
  for (const wrong of ['', '0', '65536', '9-8', '-1', '80,81', 'http'])
    expect(parsePorts(wrong)).toBeUndefined();
  expect(holdsPort(['80', '8000-8010'], 8010)).toBe(true);
  expect(holdsPort(['80', '8000-8010'], 8011)).toBe(false);
  expect(commonPorts(['80', '8000-8999'], ['443', '80', '8900-9100'])).toEqual(['80', '8900-8999']);
});
