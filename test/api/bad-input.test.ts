import { openLab } from '../labs/api.ts';
import type { Lab, Parameters } from '../labs/api.ts';
import { iso, refusal, template } from './registering.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

describe('registerTemplate with bad input names the parameter, stores nothing and starts nothing', () => {
  const none = '00000000-0000-4000-8000-000000000000';
  test.each<[Parameters, string]>([
    [{ name: undefined }, 'missing parameter name'],
    [{ name: '   ' }, 'Parameter name must be one line of text that is not blank'],
    [{ name: 'a\nb' }, 'Parameter name must be one line'],
    [{ name: 'a\0b' }, 'Parameter name has a control character'],
    [{ name: 'a\x9b31mb' }, 'Parameter name has a control character'],
    [{ name: 'gpj.\u202exe' }, 'Parameter name has a control character'],
    [{ displaytext: 'a\u2066b' }, 'Parameter displaytext has a control character'],
    [{ 'details[0].note': 'a\x85b' }, 'Parameter details has a control character'],
    [{ 'details[0].a\u202eb': 'x' }, 'has a character that names do not have'],
    [{ name: 'n'.repeat(256) }, 'Parameter name is 256 characters long; at most 255'],
    [{ displaytext: 'd'.repeat(5000) }, 'Parameter displaytext is 5000 characters long'],
    [{ format: undefined }, 'missing parameter format'],
    [{ format: 'VHD' }, "Parameter format is 'VHD'; give QCOW2 or RAW."],
    [{ format: 'ISO' }, 'registerIso'],
    [{ hypervisor: undefined }, 'missing parameter hypervisor'],
    [
      { hypervisor: 'VMware' },
      "Parameter hypervisor is 'VMware': parameter directdownload is only allowed for KVM",
    ],
    [{ directdownload: false }, 'Parameter directdownload is false, but there is no secondary storage'],
    [{ directdownload: 'yes' }, "Parameter directdownload is 'yes'; give true or false."],
    [{ url: undefined }, 'missing parameter url'],
    [{ url: 'debian.qcow2' }, 'Parameter url is not a URL'],
    [{ url: 'ftp://images.example.org/a' }, 'Parameter url has scheme ftp; http, https and nfs are taken'],
    [{ url: 'file:///etc/passwd' }, 'Parameter url has scheme file'],
    [{ url: 'smb://images.example.org/a' }, 'Parameter url has scheme smb'],
    [
      { url: 'nfs://images.example.org/exp/a.img', 'details[0].HTTP_HEADER:X-Token': 'secret' },
      'Parameter details give headers, but only http and https URLs take them',
    ],
    [{ url: 'nfs://images.example.org/$(id)' }, 'Parameter url has a path that is not'],
    [{ url: `https://a/${'x'.repeat(8200)}` }, 'Parameter url is 8210 characters long; at most 8192'],
    [
      { url: 'https://u%zz:p@images.example.org/a' },
      'Parameter url has a user name or password that is not percent-encoded',
    ],
    [{ checksum: 'abc' }, 'Parameter checksum is not right: 3 characters are the length of no checksum'],
    [{ checksum: '{SHA-3}abc' }, "algorithm 'SHA-3' is not one of MD5, SHA-1"],
    [{ checksum: `{}${MD5}` }, "algorithm '' is not one of"],
    [{ checksum: `{SHA-256}${MD5}` }, 'SHA-256 takes 64 hex digits, not 32'],
    [{ checksum: `{MD5}${'g'.repeat(32)}` }, 'MD5 takes hex digits (0-9, a-f) only'],
    [{ zoneid: none }, `Invalid parameter zoneid value=${none}`],
    [{ zoneid: '1' }, 'Invalid parameter zoneid value=1'],
    [{ zoneid: undefined, zoneids: `${none},${none}` }, `Invalid parameter zoneids value=${none}`],
    [{ ostypeid: none }, `Invalid parameter ostypeid value=${none}`],
    [{ ostypeid: 'Debian' }, 'Invalid parameter ostypeid value=Debian'],
    [{ bits: 16 }, "Parameter bits is '16'; give one of 32, 64."],
    [{ arch: 'mips' }, "Parameter arch is 'mips'; give one of x86_64, aarch64."],
    [{ ispublic: '1' }, "Parameter ispublic is '1'"],
    [{ details: 'a=b' }, "Parameter details must be given as details[0].key=value, not as 'details'"],
    [{ 'details[x].a': 'b' }, 'Parameter details must be given as details[0].key=value'],
    [{ 'details.a': 'b' }, 'Parameter details must be given as details[0].key=value'],
    [{ 'details[0].a': 'b', 'details[1].a': 'c' }, 'Parameter details has a twice'],
    [
      { 'details[0].HTTP_HEADER': 'no colon' },
      'Parameter details are not right: detail HTTP_HEADER must be NAME:VALUE',
    ],
    [{ 'details[0].HTTP_HEADER:X Y': 'v' }, 'has a character that names do not have'],
    [{ 'details[0].HTTP_HEADER': 'X Y:v' }, "'X Y' is not the name of an HTTP header"],
    [{ 'details[0].HTTP_HEADER:X': 'a\r\nY: b' }, 'has a control character, a line break'],
    [{ 'details[0].HTTP_HEADER:Host': 'evil' }, 'header Host is set by the download itself'],
    [
      { 'details[0].HTTP_HEADER:X': 'a', 'details[1].http_header': 'x:b' },
      'Parameter details names header x twice',
    ],
    [{ customid: 'k'.repeat(300) }, 'Parameter customid is 300 characters long'],
  ])('refuses %j', async (changes, sentence) => {
    expect(await refusal(lab, 'registerTemplate', template(lab, changes))).toContain(sentence);
  });

  test('lets only administrators feature a template', async () => {
    expect(await refusal(lab, 'registerTemplate', template(lab, { isfeatured: true }), lab.user)).toContain(
      'Parameter isfeatured is true, which only administrators may give',
    );
  });
});

describe('registerIso', () => {
  test.each<[Parameters, string]>([
    [{ zoneid: undefined }, 'missing parameter zoneid'],
    [{ directdownload: false }, 'Parameter directdownload is false'],
    [{ url: 'smb://h/x.iso' }, 'Parameter url has scheme smb'],
    [{ checksum: 'zz' }, 'Parameter checksum'],
    [{ bootable: 'maybe' }, "Parameter bootable is 'maybe'"],
  ])('refuses bad input %j', async (changes, sentence) => {
    expect(await refusal(lab, 'registerIso', iso(lab, changes))).toContain(sentence);
  });
});
