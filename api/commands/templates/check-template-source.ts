import { randomUUID } from 'node:crypto';
import type { UrlReport } from '../../../model/source.ts';
import { TEMPLATE_FORMATS } from '../../../model/states.ts';
import type { SourceFound } from '../../../model/source-check.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { asApiError } from '../../server/known-errors.ts';
import { imageParameters, readImage } from './image-parameters.ts';
import { inspection } from '../../fields/answers/inspection.ts';
import { choice, list as textList, required, text } from '../../fields/parameters.ts';
import { refusalOf, waitFor, writeRows } from './registration.ts';
import {
  answerOne,
  boolean,
  forAdmins,
  integer,
  listOf,
  long,
  optional,
  type Shape,
  string,
} from '../../fields/response.ts';

export const CHECKED_MIRROR: Shape<UrlReport> = {
  url: string('the URL, without credentials', ({ url }) => url),
  priority: integer('its place in the order; 1 is first', ({ priority }) => priority),
  reachable: boolean('whether the file can be had there', ({ reachable }) => reachable),
  reason: optional.string('why not', ({ reason }) => reason),
  size: long('bytes of the file; 0 where it is not known', ({ size }) => size),
  ranges: boolean('whether parts of the file can be asked for', ({ ranges }) => ranges),
  inspection: inspection(
    'what was found there',
    ({ evidence }) => evidence,
    ({ reachable }) => (reachable ? 'accepted' : 'refused'),
  ),
};

export const SOURCE: Shape<SourceFound> = {
  size: long('bytes of the file as it is transferred', ({ size }) => size),
  virtualsize: optional.long(
    'bytes that a VM sees; absent where a packed file does not tell',
    ({ virtualSize }) => (virtualSize === 0 ? undefined : virtualSize),
  ),
  compression: optional.string('how it is packed', ({ compression }) => compression ?? undefined),
  checksum: optional.string(
    'the checksum that was given, or that the metalink has',
    ({ checksum }) => checksum,
  ),
  hostname: forAdmins(string('the host that looked', ({ hostName }) => hostName)),
  mirror: listOf(
    CHECKED_MIRROR,
    'its URLs: whether each can be had, or why not, and what was found there',
    ({ mirrors }) => mirrors,
  ),
};

const { url, checksum, details } = imageParameters;

export const checkTemplateSource = defineCommand({
  name: 'checkTemplateSource',
  since: '0.2.0',
  description: 'Has a host look at a URL as a registration would, and registers nothing.',
  roles: EVERYBODY,
  parameters: {
    url,
    checksum,
    details,
    format: required(choice('QCOW2, RAW or ISO', TEMPLATE_FORMATS)),
    zoneid: text('the zone, or -1 for all; this or zoneids'),
    zoneids: textList('the zones, or -1 for all; this or zoneid'),
  },
  object: 'templatesource',
  response: SOURCE,
  async run(context, values) {
    const { image, secrets } = await readImage(
      context,
      { ...NO_VALUES, ...values, name: 'source check' },
      values,
    );
    // The id of no registration, even if the call has an idempotency key.
    const input = {
      ...image,
      ...DEFAULT_MACHINE,
      v: 1,
      templateId: randomUUID(),
      format: values.format,
    } as const;
    await writeRows(context, secrets, input);
    const result = await context.orchestration
      .checkSource(input, waitFor(context))
      .catch((error: unknown) => {
        throw asApiError(error) ?? error;
      });
    if (result === undefined) throw sourceIsSlow();
    if (result.refusal !== undefined) throw refusalOf(context, result.refusal);
    return answerOne(
      'templatesource',
      SOURCE,
      result.found === undefined ? [] : [result.found],
      context.caller,
    );
  },
});

const NO_VALUES = Object.fromEntries(
  Object.keys(imageParameters).map((name) => [name, undefined]),
) as Readonly<Record<keyof typeof imageParameters, undefined>>;

const DEFAULT_MACHINE = { bootable: true, requiresHvm: true, sshKeyEnabled: false, bits: 64 } as const;

const sourceIsSlow = (): ApiError =>
  new ApiError(
    apiCodes.unavailable,
    'The source has not answered in 8 s. A registration waits longer: register it to see whether it answers.',
  );
