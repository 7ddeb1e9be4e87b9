/** The new disk of a machine that is restored, or that is rebooted and has a volatile offering. */
import { findDiskOffering } from '../../../db/offerings/disk-offerings.ts';
import { findTemplateById, rootSizeOf } from '../../../db/vms/parts.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { titleOf } from '../../../model/title.ts';
import type { VmJobParameters } from '../../../model/vm-payloads.ts';
import { entity, isIso, type Template, templateNamed } from '../../fields/entities.ts';
import type { MapEntry } from '../../fields/parameters.ts';
import type { CommandContext } from '../../server/command.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import { readDetails } from './details.ts';
import { requireUsable } from './images.ts';
import { type Machine, nameOf } from './machines.ts';
import { renewedSize } from './root-disk.ts';

export interface RenewalValues {
  readonly templateid?: string | undefined;
  readonly diskofferingid?: string | undefined;
  readonly rootdisksize?: number | undefined;
  readonly details?: readonly MapEntry[] | undefined;
}

export interface Renewal {
  readonly template: Template;
  readonly params: VmJobParameters;
  /** Bytes that the new disk has more than the old one. */
  readonly growth: number;
}

/** @throws ApiError 431 when no such disk can be made */
export async function renewalOf(
  context: CommandContext,
  machine: Machine,
  values: RenewalValues,
): Promise<Renewal> {
  const { db } = context;
  const { templateid, diskofferingid } = values;
  const template = await imageFor(context, machine, templateid);
  const offering =
    diskofferingid === undefined
      ? undefined
      : await entity(context, 'diskofferingid', diskofferingid, (uuid) => findDiskOffering(db, uuid));
  const before = await rootSizeOf(db, machine.id);
  const size = renewedSize({ template, details: sizeDetails(values), values }, offering, before);
  return {
    template,
    growth: Math.max(0, size - before),
    params: {
      ...(templateid === undefined ? {} : { templateId: template.uuid }),
      ...(size === before ? {} : { size }),
      ...(offering === undefined ? {} : { diskOfferingId: offering.uuid }),
    },
  };
}

function sizeDetails({ details: given }: RenewalValues) {
  const details = readDetails(given);
  const other = Object.keys(details).find((key) => key !== 'rootdisksize');
  if (other === undefined) return details;
  throw badParameter('details', `takes rootdisksize alone; '${other}' is set by updateVirtualMachine.`);
}

const isAvailable = ({ removed, state }: Template): boolean => removed === null && state === 'Active';

/** @throws ApiError 431 when no new disk can be made of the template that the machine has */
export async function requireRenewable({ db }: CommandContext, machine: Machine): Promise<void> {
  const own = await findTemplateById(db, machine.template_id);
  if (isAvailable(own)) return;
  throw new ApiError(
    apiCodes.parameter,
    `The VM ${nameOf(machine)} has a volatile offering, with which a reboot makes a new disk, but ${titleOf(own, 'middle')} was deleted: restore it from another template.`,
    { parameter: 'id' },
  );
}

/** @throws ApiError 431 for a template that cannot be had any more */
async function imageFor(
  context: CommandContext,
  machine: Machine,
  templateid: string | undefined,
): Promise<Template> {
  const { db } = context;
  if (templateid === undefined) {
    const own = await findTemplateById(db, machine.template_id);
    if (isAvailable(own)) return own;
    throw badParameter(
      'templateid',
      `is missing: ${titleOf(own, 'middle')}, from which the machine was made, was deleted; its copy is kept for the disk that stands on it, and nothing new is made from it. Give another template.`,
    );
  }
  const template = await templateNamed(context, 'templateid', templateid);
  if (isIso(template) !== isIso(await findTemplateById(db, machine.template_id)))
    throw badParameter('templateid', 'is an ISO in the place of a template, or the other way round.');
  await requireUsable(context, 'templateid', machine, template);
  return template;
}
