import ipaddr from 'ipaddr.js';

/** All that IPv6 routes globally lies in here (RFC 4291). `::127.0.0.1`, has no range of its own and does not. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** Looks public, and is the machine below, for every virtual machine of Azure. */
const HOST_OF_AZURE = '168.63.129.16';

/**
 * True for an address that is routed globally, and so is nobody's own machine or network. Addresses that stand for an
 * IPv4 address (mapped, NAT64, 6to4, Teredo) are none: they would lead wherever that one leads.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast' || parsed.toString() === HOST_OF_AZURE) return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST);
}

/** What is wrong with the address of an endpoint, as a code. */
export type UrlRefusal =
  | 'url_malformed'
  | 'scheme_not_allowed'
  | 'credentials_in_url'
  | 'fragment_in_url'
  | 'address_not_public'
  | 'host_not_found';

/** Where webhooks may go. */
export interface Reach {
  /** Over http too, and to any address: for development. */
  readonly allowPrivate: boolean;
}

/** An address that nothing speaks against so far. */
interface Spelled {
  /** As it is stored and called. */
  readonly href: string;
  /** What has to be looked up before it is known where this leads; absent where that is known or does not matter. */
  readonly name?: string;
}

/** The host of a URL as one connects to it: IPv6 without its brackets, a name without the dot of the root. */
const hostIn = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');

/** This machine, whatever a resolver says (RFC 6761). */
const isThisMachine = (host: string): boolean => /(^|\.)localhost$/.test(host);

/**
 * Reads the address of an endpoint: https, without credentials and fragment, any port, and not one that can be seen to
 * lead to this machine or its network. The URL parser has by then turned every spelling of an IPv4 address (decimal,
 * octal, hexadecimal, with digits left out, in full-width characters) into the usual one.
 */
export function spelledUrl(text: string, { allowPrivate }: Reach): Spelled | { readonly refused: UrlRefusal } {
  const url = URL.parse(text);
  if (url === null) return { refused: 'url_malformed' };
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:'))
    return { refused: 'scheme_not_allowed' };
  if (url.username !== '' || url.password !== '') return { refused: 'credentials_in_url' };
  if (url.href.includes('#')) return { refused: 'fragment_in_url' };
  const { href } = url;
  if (allowPrivate) return { href };
  const host = hostIn(url);
  if (isThisMachine(host)) return { refused: 'address_not_public' };
  if (!ipaddr.isValid(host)) return { href, name: host };
  return isPublicAddress(host) ? { href } : { refused: 'address_not_public' };
}
