import { hostIdentity, isOtherStart, startIdentity } from '../../model/names.ts';

test('the identity of a worker tells another start of its host from this one, but for hosts of earlier releases', () => {
  expect(isOtherStart(startIdentity('a', 'first'), 'a', 'second')).toBe(true);
  expect(isOtherStart(startIdentity('a', 'second'), 'a', 'second')).toBe(false);
  expect(isOtherStart(startIdentity('b', 'first'), 'a', 'second')).toBe(false);
  expect(isOtherStart(hostIdentity('a'), 'a', 'second')).toBe(false);
  expect(isOtherStart('', 'a', 'second')).toBe(false);
});
