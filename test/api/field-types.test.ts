/**
 * Compares parameters and fields of answers with those that CloudStack's Go SDK knows. Each must exist with the same type
 * (typed clients reject a whole answer for one string in place of a number), or be listed below with the reason why not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS, PUBLIC_COMMANDS } from '../../api/server/registry.ts';
import type { FieldType } from '../../api/fields/response.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';

type GoType = 'string' | 'int' | 'int64' | 'bool' | 'list' | 'object';

const sdk = JSON.parse(readFileSync(join(PROJECT_ROOT, 'test', 'api', 'go-sdk-types.json'), 'utf8')) as {
  readonly fields: Readonly<Record<string, Readonly<Record<string, GoType>>>>;
  /** Names, separated by spaces. */
  readonly otherFields: Readonly<Record<string, string>>;
  readonly otherParameters: Readonly<Record<string, string>>;
};

/** The types that a field of the SDK may have here. `Caller.call` checks that answers have their documented types. */
const DECODED: Readonly<Record<GoType, readonly FieldType[]>> = {
  string: ['string', 'date'],
  int: ['integer', 'long'],
  int64: ['integer', 'long'],
  bool: ['boolean'],
  list: ['list'],
  object: ['map'],
};

/** Reason → names of fields. */
const NO_SUCH_FIELD: Readonly<Record<string, string>> = {
  'accounts, hosts and zones do not count what networks, snapshots and buckets take': `
    backupavailable backuplimit backupstorageavailable backupstoragelimit backupstoragetotal backuptotal bucketavailable
    bucketlimit buckettotal capacity gpuavailable gpulimit gputotal gpuused ipavailable iplimit iptotal networkavailable
    networklimit networktotal objectstorageavailable objectstoragelimit objectstoragetotal receivedbytes sentbytes
    secondarystorageavailable secondarystoragelimit secondarystoragetotal snapshotavailable snapshotlimit snapshottotal
    vpcavailable vpclimit vpctotal virtualmachineid`,
  'of processors and memory, hosts tell what they have and have promised, and not what is in use; nor networks and power': `
    capabilities cpuloadaverage cpusockets cpuused encryptionsupported gpugroup hahost hasenoughcapacity hostha
    instanceconversionsupported memoryused networkkbsread networkkbswrite outofbandmanagement suitableformigration
    cpuovercommitratio memoryovercommitratio oscategoryid oscategoryname ismultiarch username`,
  'the pools of a host have the sizes of its disks': 'disksizeallocated disksizetotal islocalstorageactive',
  'hosts and clusters have no architecture: only templates tell theirs': 'arch',
  'hosts go as they are forgotten; lastpinged tells when one was heard of': 'disconnected events removed',
  'tags of hosts are words, given by the operator':
    'explicithosttags implicithosttags istagarule taggedresources tag',
  'zones and pods have no networks': `
    allowuserspecifyvrmtu asnrange dhcpprovider domain domainid domainname gateway ipranges isnsxenabled netmask networkdomain
    routedmodeenabled routerprivateinterfacemaxmtu routerpublicinterfacemaxmtu zonetoken`,
  'one management server is like another, and Temporal has the jobs':
    'managementserverid managementservername',
  'what is not stored of pools: they are file systems': `
    allocatediops capacitybytes capacityiops managed nfsmountopts overprovisionfactor provider storagecapabilities
    storagecustomstats usediops`,
  'there are no projects, groups, made roles, extensions, icons, comments or access groups': `
    annotation lastannotated hasannotations project projectid projectids projectavailable projectlimit projecttotal
    groups icon roleid extensionid extensionname extensionspath storageaccessgroups podstorageaccessgroups
    clusterstorageaccessgroups zonestorageaccessgroups`,
  'there are no details of accounts, domains, zones, hosts and pools':
    'accountdetails domaindetails resourcedetails details tags description displaytext',
  'users are called and found by name; getUserKeys tells their keys': `
    apikey secretkey apikeyaccess email firstname lastname timezone timezoneoffset isdefault iscallerchilddomain
    usersource is2faenabled is2famandated is2faverified issuerfor2fa providerfor2fa registered defaultzoneid
    iscleanuprequired customer`,
  'the one domain is above all, and accounts tell what they have': `
    parentdomainid parentdomainname templateavailable templatelimit templatetotal cpuavailable cpulimit cputotal
    memoryavailable memorylimit memorytotal primarystorageavailable primarystoragelimit primarystoragetotal vmavailable
    vmlimit vmtotal volumeavailable volumelimit volumetotal`,
  'templates come from URLs only, and are made of no machine': `
    childtemplates deployasisdetails forcks hostid hostname parenttemplateid sourcetemplateid userdataid userdataname
    userdataparams userdatapolicy`,
  'they are fixed lists': 'created isfeatured fordisplay',
  'settings are a short list, by category': 'component group id options parent subgroup',
  'events stand by themselves, until they are old': 'archived parentid',
  'what CloudStack can do beyond templates': `
    additionalconfigenabled allowuserexpungerecovervm allowuserexpungerecovervolume allowuserforcestopvm
    allowuserviewalldomainaccounts customdiskofferingmaxsize customdiskofferingminsize customhypervisordisplayname
    defaultuipagesize dynamicscalingenabled instanceleaseenabled instancesdisksstatsretentionenabled
    instancesdisksstatsretentiontime instancesstatsretentiontime instancesstatsuseronly
    kubernetesclusterexperimentalfeaturesenabled kubernetesserviceenabled sharedfsvmmincpucount sharedfsvmminramsize
    snapshotshowchainsize supportELB`,
  'constants that no client was seen to read': 'clustertype ovm3vip type',
};

/** Reason → names of parameters. Unknown parameters are ignored, as in CloudStack. */
const NO_SUCH_PARAMETER: Readonly<Record<string, string>> = {
  'other hypervisors, networks and power': `
    guestvswitchname guestvswitchtype ovm3cluster ovm3pool ovm3vip publicvswitchname publicvswitchtype vsmipaddress
    vsmpassword vsmusername domain networkdomain outofbandmanagementenabled
    outofbandmanagementpowerstate hahost`,
  'no template is made of a machine or a snapshot': `
    virtualmachineid forcks isvnf isrouting templatetype parenttemplateid sortkey format forceupdateostype issystem`,
  'no image stores, projects, groups, roles, extensions, icons, comments, access groups, capacities': `
    imagestoreid imagestoreuuid projectid projectids extensionid externaldetails cleanupexternaldetails icon showicon
    annotation storageaccessgroup storageaccessgroups showcapacities storagecustomstats capacitybytes capacityiops
    roleid tag tags customer details accountdetails`,
  'one domain, without domains below it': 'domainid domainId isrecursive level',
  'settings are of the installation or of zones': 'accountid clusterid storageid group subgroup parent',
  'a host and a pool are what the host says of them': `
    hosttags istagarule name oscategoryid url arch managementserverid allocationstate forcedestroylocalstorage`,
  'users have a name, a password and keys that Bypass makes': `
    apikeyaccess email firstname lastname mandate2fa timezone userapikey usersecretkey userid usersource
    iscleanuprequired`,
  'events are neither archived nor chained': 'archived duration entrytime startid',
  'they are fixed lists': 'isfeatured isiso fordisplay zoneid id',
};

const namesOf = (reasons: Readonly<Record<string, string>>): ReadonlySet<string> =>
  new Set(Object.values(reasons).flatMap(words));
const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '');

const absentFields = namesOf(NO_SUCH_FIELD);
const absentParameters = namesOf(NO_SUCH_PARAMETER);

test.each(Object.entries(sdk.fields))('%s', (command, expected) => {
  const found = [...COMMANDS, ...PUBLIC_COMMANDS].find(({ name }) => name === command);
  const shown = { ...found?.response, ...found?.besides };
  const wrong = Object.entries(expected).filter(
    ([field, type]) => shown[field] !== undefined && !DECODED[type].includes(shown[field].type),
  );
  expect(wrong).toEqual([]);
  const others = words(sdk.otherFields[command] ?? '');
  const parameters = new Set(Object.keys(found?.parameters ?? {}).map((name) => name.toLowerCase()));
  expect({
    missing: Object.keys(expected).filter((field) => shown[field] === undefined),
    withoutType: others.filter((field) => shown[field] !== undefined),
    unexplained: others.filter((field) => !absentFields.has(field)),
    parameters: words(sdk.otherParameters[command] ?? '').filter((name) => !absentParameters.has(name)),
    knownAfterAll: words(sdk.otherParameters[command] ?? '').filter((name) =>
      parameters.has(name.toLowerCase()),
    ),
  }).toEqual({ missing: [], withoutType: [], unexplained: [], parameters: [], knownAfterAll: [] });
});
