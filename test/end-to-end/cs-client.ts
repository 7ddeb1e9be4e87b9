/** The PyPI client `cs`, which knows CloudStack only, does the main job unchanged. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { rawDisk, sha256 } from '../support/images.ts';
import { csPython, needingCs } from '../support/cs-python.ts';
import type { CsPython } from '../support/cs-python.ts';
import type { EndToEnd } from './lab.ts';

const run = promisify(execFile);
const MIB = 1_048_576;

/** Registers, prepares, waits, lists, deletes; prints what it was told as JSON. */
const SCRIPT = `
import json, sys
from cs import CloudStack, CloudStackApiException
endpoint, key, secret, url, checksum = sys.argv[1:6]
cs = CloudStack(endpoint=endpoint, key=key, secret=secret, fetch_result=True, poll_interval=0.2)
zone = cs.listZones(fetch_list=True)[0]
os_type = cs.listOsTypes(fetch_list=True)[0]
registered = cs.registerTemplate(
    name="by cs", displaytext="registered by cs", format="RAW", hypervisor="KVM", url=url,
    zoneid=zone["id"], ostypeid=os_type["id"], checksum=checksum, directdownload=True,
    details={"HTTP_HEADER:X-Who": "cs"})
template = registered["template"][0]
pool = cs.listStoragePools(fetch_list=True)[0]
prepared = cs.prepareTemplate(templateid=template["id"], zoneid=zone["id"], storageid=pool["id"])
listed = cs.listTemplates(templatefilter="all", id=template["id"], fetch_list=True)
copies = cs.listTemplateDeployments(templateid=template["id"], fetch_list=True)
deleted = cs.deleteTemplate(id=template["id"])
after = cs.listTemplates(templatefilter="all", id=template["id"])
try:
    cs.registerTemplate(name="x")
    error = None
except CloudStackApiException as e:
    error = e.error
print(json.dumps(dict(template=template, prepared=prepared, listed=listed, copies=copies,
                      deleted=deleted, after=after, error=error)))
`;

/** @param opened gives the installation, once it is up */
export const csClient = (opened: () => EndToEnd): void =>
  needingCs('the PyPI client cs', () => {
    let lab: EndToEnd;
    beforeAll(() => {
      lab = opened();
    });

    test('cs registers, prepares, waits, lists and deletes', async () => {
      const python = csPython() as CsPython;
      const body = rawDisk(2 * MIB);
      lab.server.serve('/cs.img', { body });
      const { apiUrl, apiKey, secretKey } = lab.stack;
      const url = lab.server.url('/cs.img');
      const checksum = `{SHA-256}${sha256(body)}`;
      const args = ['-c', SCRIPT, apiUrl, apiKey, secretKey, url, checksum];
      const { stdout } = await run(python.command, args, { env: { ...process.env, ...python.env } });
      const told = JSON.parse(stdout) as Record<string, unknown>;
      expect(told).toMatchObject({
        template: { name: 'by cs', isready: true, hypervisor: 'KVM', size: body.length },
        prepared: { success: true },
        listed: [{ status: 'Bypassed Secondary Storage' }],
        copies: [{ state: 'Ready', sha256: sha256(body) }],
        deleted: { success: true },
        after: {},
        error: { errorcode: 431 },
      });
      expect(lab.server.seen('/cs.img').requests.every((headers) => headers['x-who'] === 'cs')).toBe(true);
    });
  });
