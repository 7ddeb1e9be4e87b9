/** The fields of a certificate. */
import type { ReactNode } from 'react';
import { Facts } from '../elements/facts.tsx';
import { Time } from '../elements/time.tsx';
import type { Certificate } from '../../model/api-answers.ts';

export function CertificateFacts({ of }: { readonly of: Certificate }): ReactNode {
  const [, from, to] = /^From: \[(.*)\] - To: \[(.*)\]$/.exec(of.validity) ?? [];
  return (
    <Facts
      of={{
        Subject: of.subject,
        Issuer: of.issuer === of.subject ? 'itself' : of.issuer,
        'Valid from': from && <Time of={from} />,
        'Valid until': to && <Time of={to} />,
        'Serial number': <code>{of.serialnum}</code>,
        Certificates: of.certificates > 1 ? `${of.certificates}, this is the first` : undefined,
        'Client certificate': of.clientcertificate,
        Zone: of.zonename,
        Uploaded: <Time of={of.created} />,
      }}
    />
  );
}
