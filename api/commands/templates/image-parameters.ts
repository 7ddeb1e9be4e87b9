/** The parameters that registerTemplate and registerIso share, and their translation into the input of a registration. */
import { randomUUID } from 'node:crypto';
import { denialOf } from '../../../db/events/events.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { findGuestOs, findGuestOsByName } from '../../../db/zones/listing.ts';
import type { NamedAccount } from '../../../db/templates/sharing.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import type { RegistrationInput } from '../../../model/payloads.ts';
import type { CommandContext } from '../../server/command.ts';
import { entity, requireMayFeature } from '../../fields/entities.ts';
import { ownerFor } from '../../fields/owners.ts';
import { requireAllowance } from '../accounts/resource-limits.ts';
import { badParameter } from '../../server/errors.ts';
import { readChecksum, readDetails, readUrl, secretsOf, type Source } from './image-source.ts';
import {
  choice,
  filled,
  flag,
  id,
  map,
  name,
  required,
  text,
  type ParameterValues,
} from '../../fields/parameters.ts';
import { stableUuid } from '../../fields/stable-uuid.ts';
import { readZones } from './template-zones.ts';
import { displayUrl, MAX_URL_LENGTH, UrlSyntaxError } from '../../../model/url.ts';

const DEFAULT_OS = 'Other Linux (64-bit)';
const DESCRIPTION_LENGTH = 4096;

export const imageParameters = {
  name: required(name('the name')),
  url: required(
    text('the URL of the image or of a metalink, of a scheme that listCapabilities names', MAX_URL_LENGTH),
  ),
  directdownload: flag('true, also when absent: KVM hosts download the image themselves; false is refused'),
  displaytext: text('the description; the name when absent', DESCRIPTION_LENGTH),
  checksum: text(
    '{ALG}hex with MD5, SHA-1, SHA-224, SHA-256, SHA-384 or SHA-512, or alg:hex; without an algorithm the number of digits tells it',
  ),
  details: map(
    'details as details[0].key=value; HTTP_HEADER (NAME:VALUE) and HTTP_HEADER:NAME are sent to the source, and kept secret',
  ),
  ostypeid: id('the guest operating system'),
  ispublic: flag('whether every account may use it; false when absent'),
  isfeatured: flag('whether it is featured; for administrators'),
  isextractable: flag('whether it can be extracted'),
  passwordenabled: flag('whether passwords can be reset'),
  isdynamicallyscalable: flag('whether VMs can be scaled while they run'),
  arch: choice('the processor architecture; x86_64 when absent', ['x86_64', 'aarch64']),
  account: text('the account that will own it, by its name; that of the caller when absent'),
  domainid: id('the domain of that account; there is one, ROOT'),
  customid: filled(text('names this call: again with the same one, it is the same call')),
};

/**
 * The part of a registration's input that templates and ISOs share, and separately the secrets, which never enter the
 * input. Checks that need no database come first.
 */
export async function readImage(
  context: CommandContext,
  values: ParameterValues<typeof imageParameters>,
  place: { readonly zoneid: string | undefined; readonly zoneids?: readonly string[] | undefined },
) {
  requireDirect(values.directdownload);
  requireMayFeature(context, values.isfeatured);
  const checksum = readChecksum(values.checksum);
  const owner = await ownerFor(context, values);
  const templateId = readTemplateId(context, owner, values.customid);
  const source = await readSource(context, templateId, values);
  const { headers, plain } = readDetails(values.details);
  await requireAllowance(context, owner, templateId);
  const zones = await readZones(context, place);
  const osTypeId = await readOsType(context, values.ostypeid);
  const secrets = secretsOf(source, headers, context.protocols);
  const image = {
    v: 1,
    templateId,
    accountId: owner.uuid,
    userId: context.caller.userUuid,
    name: values.name,
    displayText: values.displaytext || values.name,
    url: source.url,
    ...zones,
    isPublic: values.ispublic ?? false,
    isFeatured: values.isfeatured ?? false,
    isExtractable: values.isextractable ?? false,
    passwordEnabled: values.passwordenabled ?? false,
    dynamicallyScalable: values.isdynamicallyscalable ?? false,
    details: plain,
    ...(checksum === undefined ? {} : { checksum }),
    ...(osTypeId === undefined ? {} : { osTypeId }),
    ...(values.arch === undefined ? {} : { arch: values.arch }),
  } satisfies Partial<RegistrationInput>;
  return { image, secrets };
}

/** Reads the URL. A URL that the policy forbids is recorded as an event too. @throws ApiError 431 */
async function readSource(
  { db, caller, command, protocols }: CommandContext,
  templateId: string,
  image: Pick<ParameterValues<typeof imageParameters>, 'name' | 'url'>,
): Promise<Source> {
  try {
    return readUrl(image.url, protocols);
  } catch (error) {
    const { cause } = error as Error;
    if (cause instanceof UrlSyntaxError && cause.rule !== undefined) {
      // Events distinguish only templates and ISOs, so any format of a template will do.
      const format = command === 'registerIso' ? 'ISO' : 'QCOW2';
      const title = `${format === 'ISO' ? 'ISO' : 'Template'} ${image.name}`;
      await recordCallerEvent(
        { db, caller },
        {
          type: eventType({ format }, 'URL.DENY'),
          level: 'WARN',
          description: denialOf({
            title,
            who: 'no host',
            url: displayUrl(image.url),
            rule: cause.rule,
            reason: cause.message,
          }),
          resourceType: resourceTypeOf({ format }),
          resourceUuid: templateId,
        },
      );
    }
    throw error;
  }
}

/** Without `ostypeid`: a common guest operating system, since many callers do not care. */
async function readOsType(
  context: CommandContext,
  ostypeid: string | undefined,
): Promise<string | undefined> {
  if (ostypeid === undefined) return (await findGuestOsByName(context.db, DEFAULT_OS))?.uuid;
  const found = await entity(context, 'ostypeid', ostypeid, (uuid) => findGuestOs(context.db, uuid));
  return found.uuid;
}

/** The id of the new template. An account's key always leads to the same id, so that a repeated call is recognized. */
function readTemplateId(
  { idempotencyKey }: CommandContext,
  owner: NamedAccount,
  customid: string | undefined,
): string {
  if (customid !== undefined && idempotencyKey !== undefined && customid !== idempotencyKey) {
    throw badParameter('customid', 'and the header Idempotency-Key differ; give one of them.');
  }
  const key = customid ?? idempotencyKey;
  return key === undefined ? randomUUID() : templateIdOf(owner.uuid, key);
}

/** The id of the template that calls of this account with this key register. */
export const templateIdOf = (accountUuid: string, key: string): string =>
  stableUuid('template', accountUuid, key);

/** @throws ApiError 431 for `directdownload=false`: there is no secondary storage to download from */
function requireDirect(directdownload: boolean | undefined): void {
  if (directdownload !== false) return;
  throw badParameter(
    'directdownload',
    'is false, but there is no secondary storage: the KVM host that needs the image downloads it itself; give true, or leave it out.',
  );
}
