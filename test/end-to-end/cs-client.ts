/** The PyPI client `cs`, which knows CloudStack only, does the main job unchanged. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createAuthority } from '../support/authority.ts';
import { checkDocumented } from '../support/check-documented.ts';
import { isoImage, rawDisk, sha256 } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { csPython, needingCs } from '../support/pypi.ts';
import type { Python } from '../support/pypi.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

const run = promisify(execFile);
const MIB = 1_048_576;

/** A script that registers, prepares, waits, lists and deletes, and prints the answers as JSON. */
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

/** A script that calls every command of listApis once, on things that it created, and prints the answers. */
const EVERY_COMMAND = `
import json, sys, time
from cs import CloudStack, CloudStackApiException
endpoint, key, secret, url, certificate, public_key, slow_url, pool_path = sys.argv[1:9]
cs = CloudStack(endpoint=endpoint, key=key, secret=secret)
told = {}
def call(command, **parameters):
    answer = getattr(cs, command)(**parameters)
    told[command] = answer
    if isinstance(answer, dict) and "jobid" in answer and command != "queryAsyncJobResult":
        for _ in range(300):
            job = cs.queryAsyncJobResult(jobid=answer["jobid"])
            if job["jobstatus"] != 0:
                break
            time.sleep(0.2)
        told["queryAsyncJobResult"] = job
        assert job["jobstatus"] == 1, (command, job)
    return answer
apis = call("listApis")["api"]
zone = call("listZones")["zone"][0]["id"]
host = call("listHosts")["host"][0]["id"]
pool = call("listStoragePools")["storagepool"][0]["id"]
for name in ["listClusters", "listPods", "listHypervisors", "listOsTypes", "listOsCategories", "listCapabilities",
             "listDomains", "listConfigurations", "getApiLimit", "getTemplateDeploymentSummary",
             "listTemplateDirectDownloadCertificates"]:
    call(name)
call("getTemplateRegistration", customid="none")
made = call("createZone", name="by cs", dns1="192.0.2.53", internaldns1="192.0.2.53", networktype="Basic")["zone"]["id"]
call("updateZone", id=made, allocationstate="Disabled")
cluster = call("addCluster", clustername="by cs", zoneid=made, clustertype="CloudManaged", hypervisor="KVM")
call("updateCluster", id=cluster["cluster"][0]["id"], allocationstate="Disabled")
call("deleteCluster", id=cluster["cluster"][0]["id"])
call("deleteZone", id=made)
call("listRoles")
call("createHostInvite", zoneid=zone)
call("updateHost", id=host, downloadlimit=2)
call("prepareHostForMaintenance", id=host)
call("cancelHostMaintenance", id=host)
call("updateStoragePool", id=pool, tags="fast,local")
call("enableStorageMaintenance", id=pool)
call("cancelStorageMaintenance", id=pool)
account = call("createAccount", username="cs", password="a password", accounttype=0, email="a@b", firstname="c",
               lastname="s")["account"]
user = call("listUsers", account="cs")["user"][0]
keys = call("registerUserKeys", id=user["id"])["userkeys"]
call("getUser", userApiKey=keys["apikey"])
call("updateUser", id=user["id"], password="another password")
call("listAccounts", name="cs")
call("getUserKeys", id=user["id"])
second = call("createUser", username="cs2", password="a password", account="cs", email="a@b", firstname="c",
              lastname="s")["user"]["id"]
for change in ["lockUser", "enableUser", "disableUser", "deleteUser"]:
    call(change, id=second)
for change in ["lockAccount", "enableAccount", "disableAccount"]:
    call(change, id=account["id"], **(dict(lock=False) if change == "disableAccount" else {}))
call("enableAccount", id=account["id"])
call("updateResourceLimit", account="cs", resourcetype=4, max=7)
call("listResourceLimits", account="cs")
setting = "direct.download.url.deny.ports"
call("updateConfiguration", name=setting, value="81")
call("resetConfiguration", name=setting)
offering = call("createServiceOffering", name="by cs", displaytext="d", cpunumber=1, memory=128, tags="fast")["serviceoffering"]["id"]
call("updateServiceOffering", id=offering, storagetags="fast,local", zoneid="all")
call("listServiceOfferings", name="by cs", zoneid=zone)
call("deleteServiceOffering", id=offering)
disk = call("createDiskOffering", name="by cs", displaytext="d", disksize=1)["diskoffering"]["id"]
call("updateDiskOffering", id=disk, displaytext="changed")
call("listDiskOfferings", name="by cs")
call("deleteDiskOffering", id=disk)
kind = call("createNetworkOffering", name="by cs", displaytext="d", guestiptype="L2", traffictype="GUEST",
            supportedservices="")["networkoffering"]["id"]
call("updateNetworkOffering", id=kind, state="Enabled")
call("listNetworkOfferings", name="by cs")
network = call("createNetwork", name="by cs", displaytext="d", networkofferingid=kind, zoneid=zone)["network"]["id"]
call("updateNetwork", id=network, displaytext="changed")
call("listNetworks", id=network)
call("listPublicIpAddresses", associatednetworkid=network)
call("restartNetwork", id=network)
call("deleteNetwork", id=network)
call("deleteNetworkOffering", id=kind)
call("listCapacity", zoneid=zone)
made = call("createSSHKeyPair", name="by cs")["keypair"]
call("deleteSSHKeyPair", name="by cs")
call("registerSSHKeyPair", name="by cs too", publickey=public_key)
call("listSSHKeyPairs", name="by cs too")
data = call("registerUserData", name="by cs", userdata="I2Nsb3VkLWNvbmZpZwo=")["userdata"]["id"]
call("listUserData", id=data)
call("deleteUserData", id=data)
group = call("createInstanceGroup", name="by cs")["instancegroup"]["id"]
call("updateInstanceGroup", id=group, name="renamed by cs")
call("listInstanceGroups", id=group)
call("deleteInstanceGroup", id=group)
for name in ["listAffinityGroups", "listSecurityGroups"]:
    call(name)
image = dict(displaytext="d", url=url, zoneid=zone, directdownload=True, isextractable=True)
template = call("registerTemplate", name="every t", format="RAW", hypervisor="KVM", **image)["template"][0]["id"]
call("checkTemplateSource", url=url, format="RAW", zoneid=zone)
iso = call("registerIso", name="every i", bootable=False, **dict(image, url=url.replace(".img", ".iso")))["iso"][0]["id"]
call("listTemplates", templatefilter="all", id=template, details="all")
call("listIsos", isofilter="all", id=iso)
for kind, one in [("Template", template), ("Iso", iso)]:
    call("update" + kind, id=one, displaytext="changed", details={"a": "b"})
    call("update" + kind + "Permissions", id=one, op="add", accounts="cs")
    call("list" + kind + "Permissions", id=one)
    call("extract" + kind, id=one, mode="HTTP_DOWNLOAD", zoneid=zone)
small = cs.listServiceOfferings(name="Small Instance")["serviceoffering"][0]["id"]
medium = cs.listServiceOfferings(name="Medium Instance")["serviceoffering"][0]["id"]
vm = call("deployVirtualMachine", name="by-cs", zoneid=zone, serviceofferingid=small, templateid=template, startvm=False)["id"]
call("listVirtualMachines", id=vm)
call("listVirtualMachinesMetrics", id=vm)
call("listNics", virtualmachineid=vm)
call("listVolumes", virtualmachineid=vm, type="ROOT")
call("updateVirtualMachine", id=vm, displayname="changed", userdata="I2Nsb3VkLWNvbmZpZwo=")
call("getVirtualMachineUserData", virtualmachineid=vm)
call("resetUserDataForVirtualMachine", id=vm, userdata="I2Nsb3VkLWNvbmZpZwo=")
call("resetSSHKeyForVirtualMachine", id=vm, keypair="by cs too")
call("updateVMAffinityGroup", id=vm, affinitygroupids="")
call("changeServiceForVirtualMachine", id=vm, serviceofferingid=medium)
call("scaleVirtualMachine", id=vm, serviceofferingid=small)
call("attachIso", id=iso, virtualmachineid=vm)
call("detachIso", virtualmachineid=vm)
call("stopVirtualMachine", id=vm)
call("restoreVirtualMachine", virtualmachineid=vm)
call("destroyVirtualMachine", id=vm)
call("recoverVirtualMachine", id=vm)
call("destroyVirtualMachine", id=vm)
call("expungeVirtualMachine", id=vm)
call("createTags", resourceids=template, resourcetype="Template", tags=[{"key": "a b", "value": "c*~+d"}])
call("listTags", resourceid=template)
found = cs.listTemplates(templatefilter="all", tags=[{"key": "a b", "value": "c*~+d"}])
assert [one["id"] for one in found["template"]] == [template], found
call("deleteTags", resourceids=template, resourcetype="Template", tags=[{"key": "a b"}])
call("prepareTemplate", templateid=template, zoneid=zone, storageid=pool)
call("listTemplateDeployments", templateid=template)
call("cancelTemplateDeployment", templateid=template, storageid=pool, cleanup=True)
slow = call("registerTemplate", name="slow", format="RAW", hypervisor="KVM", **dict(image, url=slow_url))["template"][0]["id"]
rollout = cs.prepareTemplate(templateid=slow, zoneid=zone, storageids=pool)["jobid"]
for change in ["pause", "resume", "cancel"]:
    call(change + "TemplateRollout", id=rollout)
call("listTemplateRollouts", id=rollout)
call("deleteTemplate", id=slow)
open(pool_path + "/by-cs.txt", "w").close()
call("cleanupStoragePool", id=pool)
unknown = call("listStoragePoolFiles", storageid=pool, kind="Unknown", keyword="by-cs")["storagepoolfile"][0]["id"]
call("removeStoragePoolFiles", id=pool, fileids=unknown)
call("listAsyncJobs")
call("listEvents", pagesize=20, page=1)
uploaded = call("uploadTemplateDirectDownloadCertificate", certificate=certificate, name="by-cs", hypervisor="KVM",
                zoneid=zone)["uploadtemplatedirectdownloadcertificate"]["id"]
call("provisionTemplateDirectDownloadCertificate", id=uploaded, hostid=host)
call("listTemplateDirectDownloadCertificates", id=uploaded, listhosts=True)
call("revokeTemplateDirectDownloadCertificate", id=uploaded, zoneid=zone)
call("deleteTemplateDirectDownloadCertificate", id=uploaded)
call("deleteTemplate", id=template)
call("deleteIso", id=iso)
call("deleteAccount", id=account["id"])
print(json.dumps(dict(apis=[one["name"] for one in apis], told=told)))
`;

const PUBLIC_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example.org';

/** Commands out of reach of cs: it signs, so it has no session; there is only one host, and it has no libvirt. */
const OUT_OF_REACH = [
  'login',
  'logout',
  'deleteHost',
  'startVirtualMachine',
  'rebootVirtualMachine',
  'getVirtualMachineConsoleLog',
];

/** @param opened returns the lab, once it is open */
export const csClient = (opened: () => EndToEnd): void =>
  needingCs('the PyPI client cs', () => {
    let lab: EndToEnd;
    beforeAll(() => {
      lab = opened();
    });

    test('cs registers, prepares, waits, lists and deletes', async () => {
      const python = csPython() as Python;
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

    if (isFullRun) {
      test('cs calls every command that it can reach, and gets answers as documented', async () => {
        const python = csPython() as Python;
        const body = rawDisk(2 * MIB);
        lab.server.serve('/every.img', { body });
        lab.server.serve('/every.iso', { body: isoImage() });
        // Its roll-out goes on until it is cancelled.
        lab.server.serve('/slow.img', { body, stallAfter: MIB });
        const { apiUrl, apiKey, secretKey } = lab.stack;
        const certificate = createAuthority('Ed25519', { name: 'cs' }).cert;
        const args = [
          '-c',
          EVERY_COMMAND,
          apiUrl,
          apiKey,
          secretKey,
          lab.server.url('/every.img'),
          certificate,
          PUBLIC_KEY,
          lab.server.url('/slow.img'),
          lab.pool.path,
        ];
        const { stdout } = await run(python.command, args, { env: { ...process.env, ...python.env } });
        const { apis, told } = JSON.parse(stdout) as {
          readonly apis: readonly string[];
          readonly told: Readonly<Record<string, unknown>>;
        };
        expect(apis.filter((name) => told[name] === undefined).toSorted()).toEqual(OUT_OF_REACH.toSorted());
        for (const [name, answer] of Object.entries(told))
          checkDocumented(name, 200, { [`${name.toLowerCase()}response`]: answer });
      });
    }
  });
