/** Parameters that registerTemplate and registerIso share, and what they mean. */
import { randomUUID } from 'node:crypto';
import { denialOf, recordEvent } from '../db/events.ts';
import { findGuestOs, findGuestOsByName } from '../db/listings/zones.ts';
import type { NamedAccount } from '../db/sharing.ts';
import type { RegistrationInput } from '../model/payloads.ts';
import type { CommandContext } from './command.ts';
import { entity, requireMayFeature, resourceTypeOf } from './entities.ts';
import { accountNamed } from './owners.ts';
import { requireAllowance } from './resource-limits.ts';
import { badParameter } from './errors.ts';
import { readChecksum, readDetails, readUrl, sealSecrets, type Source } from './image-source.ts';
import { choice, flag, id, map, name, required, text, type Values } from './parameters.ts';
import { stableUuid } from './stable-uuid.ts';
import { readZones } from './template-zones.ts';
import { displayUrl, MAX_URL_LENGTH, UrlSyntaxError } from '../model/url.ts';

const DEFAULT_OS = 'Other Linux (64-bit)';
const DESCRIPTION_LENGTH = 4096;

export const imageParameters = {
  name: required(name('the name')),
  url: required(text('the URL of the image or of a metalink, http or https', MAX_URL_LENGTH)),
  directdownload: flag('true: KVM hosts download the image themselves; there is no other way'),
  displaytext: text('the description; the name when absent', DESCRIPTION_LENGTH),
  checksum: text('{ALG}hex with MD5, SHA-1, SHA-224, SHA-256, SHA-384 or SHA-512; MD5 without {ALG}'),
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
  customid: text('names this call: again with the same one, it is the same call'),
};

/**
 * The input of a registration, as far as templates and ISOs are alike. What can be told without a look at anything is
 * told first.
 */
export async function readImage(
  context: CommandContext,
  values: Values<typeof imageParameters>,
  place: { readonly zoneid: string | undefined; readonly zoneids?: readonly string[] | undefined },
) {
  requireDirect(values.directdownload);
  requireMayFeature(context, values.isfeatured);
  const checksum = readChecksum(values.checksum);
  const owner = await readOwner(context, values);
  const templateId = readTemplateId(context, owner, values.customid);
  const source = await readSource(context, templateId, values);
  const { headers, plain } = readDetails(values.details);
  await requireAllowance(context, owner, templateId);
  const zones = await readZones(context, place);
  const osTypeId = await readOsType(context, values.ostypeid);
  const sealed = await sealSecrets(context, source, headers);
  return {
    v: 1,
    templateId,
    accountId: owner.uuid,
    userId: context.caller.userUuid,
    name: values.name,
    displayText: values.displaytext ?? values.name,
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
    ...(sealed === undefined ? {} : { sealed }),
  } satisfies Partial<RegistrationInput>;
}

/** @throws ApiError; what the policy on URLs refuses is an event as well */
async function readSource(
  { db, caller, command }: CommandContext,
  templateId: string,
  image: Pick<Values<typeof imageParameters>, 'name' | 'url'>,
): Promise<Source> {
  try {
    return readUrl(image.url);
  } catch (error) {
    const { cause } = error as Error;
    if (cause instanceof UrlSyntaxError && cause.rule !== undefined) {
      const iso = command === 'registerIso';
      const title = `${iso ? 'ISO' : 'Template'} ${image.name}`;
      await recordEvent(db, {
        type: iso ? 'ISO.URL.DENY' : 'TEMPLATE.URL.DENY',
        level: 'WARN',
        description: denialOf({ title, url: displayUrl(image.url), rule: cause.rule, reason: cause.message }),
        userUuid: caller.userUuid,
        accountUuid: caller.accountUuid,
        resourceType: resourceTypeOf(iso),
        resourceUuid: templateId,
      });
    }
    throw error;
  }
}

/** The account that will own it. */
async function readOwner(
  context: CommandContext,
  values: Pick<Values<typeof imageParameters>, 'account' | 'domainid'>,
): Promise<NamedAccount> {
  const { accountId, accountUuid, accountName } = context.caller;
  return (await accountNamed(context, values)) ?? { id: accountId, uuid: accountUuid, name: accountName };
}

/** Lenient: without it, a common one. */
async function readOsType(
  context: CommandContext,
  ostypeid: string | undefined,
): Promise<string | undefined> {
  if (ostypeid === undefined) return (await findGuestOsByName(context.db, DEFAULT_OS))?.uuid;
  const found = await entity(context, 'ostypeid', ostypeid, (uuid) => findGuestOs(context.db, uuid));
  return found.uuid;
}

/** The id of what is registered: the same for the same key of the same account, else a new one. */
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

/** What a call with this key registers, or did. */
export const templateIdOf = (accountUuid: string, key: string): string =>
  stableUuid('template', accountUuid, key);

/** @throws ApiError that says why another way than the direct one cannot be had */
function requireDirect(directdownload: boolean | undefined): void {
  if (directdownload === true) return;
  throw badParameter(
    'directdownload',
    'must be true: there is no secondary storage; the KVM host that needs the image downloads it itself.',
  );
}
