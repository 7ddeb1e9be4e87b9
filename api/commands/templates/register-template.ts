import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { imageParameters, readImage } from './image-parameters.ts';
import { choice, filled, flag, list, required, text } from '../../fields/parameters.ts';
import { register } from './registration.ts';
import { TEMPLATE } from '../../fields/answers/template.ts';

export const registerTemplate = defineCommand({
  name: 'registerTemplate',
  description: 'Registers a template by its URL; a KVM host checks the URL before the answer.',
  roles: EVERYBODY,
  parameters: {
    ...imageParameters,
    format: required(text('the format of the image: QCOW2 or RAW')),
    hypervisor: required(text('the hypervisor: KVM')),
    zoneid: filled(text('the zone, or -1 for all; this or zoneids')),
    zoneids: filled(list('the zones, or -1 for all; this or zoneid')),
    bits: choice('32 or 64; 64 when absent', ['32', '64']),
    sshkeyenabled: flag('whether SSH keys can be reset'),
    requireshvm: flag('whether it needs hardware virtualisation; true when absent'),
    deployasis: flag('for VMware only'),
    templatetag: text('the tag'),
  },
  objects: 'template',
  response: TEMPLATE,
  async run(context, values) {
    requireKvm(values.hypervisor);
    if (values.deployasis === true) throw badParameter('deployasis', 'is for VMware only; leave it out.');
    const format = readFormat(values.format);
    const { image, secrets } = await readImage(context, values, values);
    return register(context, secrets, {
      ...image,
      v: 1,
      format,
      bootable: true,
      requiresHvm: values.requireshvm ?? true,
      sshKeyEnabled: values.sshkeyenabled ?? false,
      bits: Number(values.bits ?? 64),
      ...(values.templatetag ? { templateTag: values.templatetag } : {}),
    });
  },
});

function requireKvm(hypervisor: string): void {
  if (hypervisor.toUpperCase() === 'KVM') return;
  throw badParameter(
    'hypervisor',
    `is '${hypervisor}': parameter directdownload is only allowed for KVM, since only KVM hosts download templates ` +
      'themselves, and there is no secondary storage to serve others; give KVM.',
  );
}

function readFormat(format: string): 'QCOW2' | 'RAW' {
  const word = format.toUpperCase();
  if (word === 'QCOW2' || word === 'RAW') return word;
  throw badParameter(
    'format',
    word === 'ISO' ? 'is ISO: registerIso registers those.' : `is '${format}'; give QCOW2 or RAW.`,
  );
}
