import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { capabilitiesOf, preferCapable, missingCapability } from '../../model/capabilities.ts';

const needs = { url: 'https://a/x.xz', format: 'QCOW2', compression: 'xz' };
const program = (name: string) => ({ name, version: '1', purpose: '' });

test('a host can do what its programs let it do', () => {
  const bare = capabilitiesOf([{ name: 'xz', purpose: 'unpack' }], PROTOCOLS);
  expect(bare).toMatchObject({ protocols: ['http', 'https', 'metalink'], unpacks: ['gzip', 'zip'] });
  expect(missingCapability(bare, needs)).toBe('cannot unpack xz');
  expect(missingCapability(bare, { ...needs, url: 'nfs://a/x' })).toBe('cannot fetch by nfs');
  expect(missingCapability(bare, { ...needs, format: 'VMDK' })).toBe('does not take VMDK');
  expect(missingCapability(capabilitiesOf([program('xz')], PROTOCOLS), needs)).toBeUndefined();
});

test('capable hosts go before others; a host that reports no capabilities may try', () => {
  const bare = { capabilities: capabilitiesOf([], PROTOCOLS) };
  const full = { capabilities: capabilitiesOf([program('xz')], PROTOCOLS) };
  const silent = { capabilities: null };
  expect(preferCapable([bare, full, silent], needs)).toEqual([full, silent]);
  expect(preferCapable([bare], needs)).toEqual([bare]);
});

test('a URL with a sealed query is for hosts that read sealed queries', () => {
  const hidden = { ...needs, url: 'https://a/x.xz?…', compression: null };
  expect(missingCapability(capabilitiesOf([], PROTOCOLS), hidden)).toBeUndefined();
  for (const older of [null, { ...capabilitiesOf([], PROTOCOLS), features: ['policy'] }]) {
    expect(missingCapability(older, hidden)).toBe('asks without the query of the URL');
  }
});
