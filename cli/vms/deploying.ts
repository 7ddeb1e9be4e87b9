/** Translates the options of `bypass vm deploy` into parameters of the api. */
import type { ServiceOffering } from '../../model/api-answers.ts';
import type { ApiClient, Parameters } from '../client.ts';
import { UsageError } from '../errors.ts';
import { ISO, TEMPLATE } from '../images.ts';
import { findHost, findImage, findZone, pick, pickOrOnly } from '../lookup.ts';
import type { Image, Named } from '../lookup.ts';
import { listNetworks, listOfferings, pickByBeginning } from './lookup.ts';
import { readUserData } from './user-data.ts';

export interface DeployOptions {
  readonly template?: string;
  readonly iso?: string;
  readonly offering?: string;
  readonly network?: readonly string[];
  readonly zone?: string;
  readonly host?: string;
  readonly key?: readonly string[];
  readonly userData?: string;
  /** GiB. */
  readonly rootDiskSize?: number;
  readonly cpus?: number;
  /** MiB. */
  readonly memory?: number;
  readonly uefi?: 'legacy' | 'secure';
  readonly displayName?: string;
  readonly group?: string;
  /** False with --no-start. */
  readonly start: boolean;
  readonly wait?: true;
}

/** The parameters of deployVirtualMachine. Everything that has a name is found before anything is changed. */
export async function deployParameters(
  api: ApiClient,
  name: string,
  options: DeployOptions,
): Promise<Parameters> {
  const image = await imageOf(api, options);
  const zone = await zoneOf(api, image, options.zone);
  const offering = await offeringOf(api, zone, options.offering);
  return {
    name,
    displayname: options.displayName,
    group: options.group,
    zoneid: zone.id,
    templateid: image.id,
    serviceofferingid: offering.id,
    networkids: await networkIds(api, zone, options.network),
    hostid: options.host === undefined ? undefined : (await findHost(api, options.host)).id,
    keypairs: options.key?.join(','),
    userdata: options.userData === undefined ? undefined : await readUserData(options.userData),
    startvm: options.start,
    ...firmware(options),
    ...details(options),
    rootdisksize: rootDiskSize(image, offering, options),
  };
}

function imageOf(api: ApiClient, { template, iso }: DeployOptions): Promise<Image> {
  if (template !== undefined && iso !== undefined) {
    throw new UsageError(
      'give --template or --iso, not both: a machine from a template gets an ISO with `bypass vm attach-iso`',
    );
  }
  if (template !== undefined) return findImage(api, template, [TEMPLATE]);
  if (iso !== undefined) return findImage(api, iso, [ISO]);
  throw new UsageError('give the --template or the --iso that it is made from');
}

/** The zone of the image, unless another is given. */
async function zoneOf(api: ApiClient, image: Image, text: string | undefined): Promise<Named> {
  if (text === undefined) {
    const [only, ...others] = image.zones;
    if (only !== undefined && others.length === 0) return only;
    const zones = image.zones.map(({ name }) => name).join(', ');
    throw new UsageError(`${image.name} is in several zones, so choose one with --zone: ${zones}`);
  }
  const zone = await findZone(api, text);
  if (image.zones.some(({ id }) => id === zone.id)) return zone;
  throw new UsageError(`${image.noun.title} ${image.name} is not in zone ${zone.name}`);
}

async function offeringOf(api: ApiClient, zone: Named, text: string | undefined): Promise<ServiceOffering> {
  const offerings = await listOfferings(api, { zoneid: zone.id });
  if (text !== undefined) return pickByBeginning(text, offerings);
  return pickOrOnly('service offering', text, offerings, {
    option: '--offering',
    make: 'bypass offering create NAME --cpus 1 --memory 1G',
  });
}

async function networkIds(
  api: ApiClient,
  zone: Named,
  texts: readonly string[] | undefined,
): Promise<string | undefined> {
  if (texts === undefined) return undefined;
  const networks = await listNetworks(api, { zoneid: zone.id });
  return texts.map((text) => pick('network', text, networks).id).join(',');
}

/** GiB; undefined where the image or the offering says it. */
function rootDiskSize(
  { noun }: Image,
  { rootdisksize }: ServiceOffering,
  options: DeployOptions,
): number | undefined {
  if (options.rootDiskSize === undefined && noun === ISO && rootdisksize === undefined) {
    throw new UsageError('a machine from an ISO begins with an empty disk: give its --root-disk-size');
  }
  return options.rootDiskSize;
}

const firmware = ({ uefi }: DeployOptions): Parameters =>
  uefi === undefined ? {} : { boottype: 'UEFI', bootmode: uefi.toUpperCase() };

/** Of an offering whose size the user chooses. */
const details = ({ cpus, memory }: DeployOptions): Parameters => ({
  'details[0].cpuNumber': cpus,
  'details[0].memory': memory,
});
