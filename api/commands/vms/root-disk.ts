/** Size and offering of a machine's root disk. */
import { findDiskOffering } from '../../../db/offerings/disk-offerings.ts';
import type { ServiceOffering } from '../../../db/offerings/service-offerings.ts';
import type { NewVolume } from '../../../db/vms/create.ts';
import type { Row } from '../../../db/tables.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { GIB } from '../../../model/vms.ts';
import { entity, isIso, type Template } from '../../fields/entities.ts';
import { integer } from '../../fields/parameters.ts';
import type { CommandContext } from '../../server/command.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import type { Details } from './compute.ts';

/** Gigabytes: 64 TiB. */
const MAX_SIZE = 65_536;

/** A parameter. Any whole number is taken here: the sentence for a wrong one is CloudStack's. */
export const sizeParameter = (description: string) => integer(description, { min: -(2 ** 31) });

export interface DiskValues {
  readonly rootdisksize?: number | undefined;
  readonly size?: number | undefined;
  readonly diskofferingid?: string | undefined;
  readonly overridediskofferingid?: string | undefined;
}

interface DiskRequest {
  readonly template: Template;
  readonly offering: ServiceOffering;
  readonly details: Details;
  readonly values: DiskValues;
}

/** @throws ApiError 431 in CloudStack's words */
export async function rootDisk(context: CommandContext, request: DiskRequest): Promise<NewVolume> {
  const { template, offering, values } = request;
  const iso = isIso(template);
  if (!iso && values.diskofferingid !== undefined) {
    throw badParameter(
      'diskofferingid',
      'asks for a second disk, which Bypass does not make; leave it out, and give rootdisksize for a larger disk.',
    );
  }
  const [parameter, id] = iso
    ? (['diskofferingid', values.diskofferingid] as const)
    : (['overridediskofferingid', values.overridediskofferingid] as const);
  const diskOffering =
    id === undefined
      ? undefined
      : await entity(context, parameter, id, (uuid) => findDiskOffering(context.db, uuid));
  const asked = gigabytesAsked(request);
  // Offerings go before what the user says.
  const gigabytes = diskOffering?.disk_size ?? offering.root_disk_size ?? asked;
  if (iso) requireSize(gigabytes, diskOffering);
  return {
    size: sizeOf(template, gigabytes),
    templateId: iso ? null : template.id,
    diskOfferingId: diskOffering?.id ?? null,
    provisioning: diskOffering?.provisioning_type ?? offering.provisioning_type,
  };
}

type Sizes = Pick<DiskRequest, 'template' | 'details' | 'values'>;

/**
 * Bytes of the new disk of a machine that is restored. Default: those of the old disk, or of the image if it is larger.
 * @param before bytes of the old disk
 * @throws ApiError 431 in CloudStack's words
 */
export function renewedSize(
  request: Sizes,
  diskOffering: Row<'disk_offering'> | undefined,
  before: number,
): number {
  // What the user says goes before the offering, as in CloudStack.
  const gigabytes = gigabytesAsked(request) ?? diskOffering?.disk_size ?? undefined;
  const size = sizeOf(request.template, gigabytes);
  return gigabytes === undefined ? Math.max(before, size) : size;
}

/** Details go before the parameter. @returns undefined when nothing says it */
function gigabytesAsked({ template, details, values }: Sizes): number | undefined {
  const asked = detailOf(details) ?? values.rootdisksize ?? (isIso(template) ? values.size : undefined);
  if (asked !== undefined && asked <= 0) throw wrong('Root disk size should be a positive number.');
  if (asked !== undefined && asked > MAX_SIZE) {
    throw badParameter('rootdisksize', `is ${asked}; give at most ${MAX_SIZE} gigabytes.`);
  }
  return asked;
}

function detailOf(details: Details): number | undefined {
  const text = details['rootdisksize'];
  if (text === undefined || text === '') return undefined;
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw wrong(`Root disk size should be a positive number. '${text}' is none.`);
}

function requireSize(gigabytes: number | undefined, diskOffering: Row<'disk_offering'> | undefined): void {
  if (gigabytes !== undefined) return;
  if (diskOffering === undefined) {
    throw wrong(
      'Installing from ISO requires a disk offering to be specified for the root disk.',
      'diskofferingid',
    );
  }
  throw badParameter(
    'size',
    `is missing: disk offering '${diskOffering.name}' leaves the size to you; give gigabytes.`,
  );
}

/** Bytes. Without a size, that of the image, which may be 0 until it is downloaded: the host knows it then. */
function sizeOf(template: Template, gigabytes: number | undefined): number {
  const image = isIso(template) ? 0 : template.virtual_size;
  if (gigabytes === undefined) return image;
  const size = gigabytes * GIB;
  if (size >= image) return size;
  throw wrong(
    `Unsupported: rootdisksize override (${gigabytes} GB) is smaller than template size (${(image / GIB).toFixed(2)} GB) ${image}`,
  );
}

const wrong = (sentence: string, parameter = 'rootdisksize'): ApiError =>
  new ApiError(apiCodes.parameter, sentence, { parameter });
