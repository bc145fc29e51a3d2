import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { isPublicAddress, spelledUrl } from './allowed-url.js';

const guarded = { allowPrivate: false };

describe('a webhook may go to', () => {
  test.each([
    ['https://app.example/hooks', { href: 'https://app.example/hooks', name: 'app.example' }],
    ['https://app.example', { href: 'https://app.example/', name: 'app.example' }],
    ['https://app.example.:8443/a?b=c', { href: 'https://app.example.:8443/a?b=c', name: 'app.example' }],
    ['https://APP.example/Hooks', { href: 'https://app.example/Hooks', name: 'app.example' }],
    ['https://bücher.example/', { href: 'https://xn--bcher-kva.example/', name: 'xn--bcher-kva.example' }],
    ['https://localhost.example/', { href: 'https://localhost.example/', name: 'localhost.example' }],
    ['https://notlocalhost/', { href: 'https://notlocalhost/', name: 'notlocalhost' }],
    // Nothing needs to be looked up to see where these lead.
    ['https://93.184.216.34/', { href: 'https://93.184.216.34/' }],
    ['https://93.184.216.34:22/', { href: 'https://93.184.216.34:22/' }],
    ['https://[2606:2800:220:1:248:1893:25c8:1946]/', { href: 'https://[2606:2800:220:1:248:1893:25c8:1946]/' }],
  ])('%s', (text, spelled) => {
    expect(spelledUrl(text, guarded)).toEqual(spelled);
  });
});

describe('a webhook may not go to', () => {
  test.each([
    ['', 'url_malformed'],
    ['app.example/hooks', 'url_malformed'],
    ['https://', 'url_malformed'],
    ['https://app.example:65536/', 'url_malformed'],
    ['https://256.1.1.1/', 'url_malformed'],
    ['https://[::1', 'url_malformed'],
    ['https://[fe80::1%25eth0]/', 'url_malformed'],
    ['http://app.example/hooks', 'scheme_not_allowed'],
    ['ftp://app.example/', 'scheme_not_allowed'],
    ['file:///etc/passwd', 'scheme_not_allowed'],
    ['javascript:alert(1)', 'scheme_not_allowed'],
    ['https://user@app.example/', 'credentials_in_url'],
    ['https://user:password@app.example/', 'credentials_in_url'],
    ['https://app.example@127.0.0.1/', 'credentials_in_url'],
    ['https://app.example/#fragment', 'fragment_in_url'],
    ['https://app.example/#', 'fragment_in_url'],
    // This machine, by name.
    ['https://localhost/', 'address_not_public'],
    ['https://localhost./', 'address_not_public'],
    ['https://LOCALHOST:8443/', 'address_not_public'],
    ['https://a.localhost/', 'address_not_public'],
    ['https://a.localhost./', 'address_not_public'],
    // This machine, in every spelling of 127.0.0.1 and of 0.0.0.0.
    ['https://127.0.0.1/', 'address_not_public'],
    ['https://127.0.0.1./', 'address_not_public'],
    ['https://127.255.255.254/', 'address_not_public'],
    ['https://2130706433/', 'address_not_public'],
    ['https://0x7f000001/', 'address_not_public'],
    ['https://017700000001/', 'address_not_public'],
    ['https://0x7f.0.0.1/', 'address_not_public'],
    ['https://0177.0.0.1/', 'address_not_public'],
    ['https://127.1/', 'address_not_public'],
    ['https://１２７．0．0．1/', 'address_not_public'],
    ['https://%31%32%37.0.0.1/', 'address_not_public'],
    ['https:\\\\127.0.0.1/', 'address_not_public'],
    ['https://0.0.0.0/', 'address_not_public'],
    ['https://0/', 'address_not_public'],
    ['https://[::]/', 'address_not_public'],
    ['https://[::1]/', 'address_not_public'],
    ['https://[0:0:0:0:0:0:0:1]/', 'address_not_public'],
    // Networks that are somebody's own.
    ['https://169.254.169.254/latest/meta-data', 'address_not_public'],
    ['https://10.0.0.1/', 'address_not_public'],
    ['https://172.16.0.1/', 'address_not_public'],
    ['https://172.31.255.255/', 'address_not_public'],
    ['https://192.168.1.1/', 'address_not_public'],
    ['https://100.64.0.1/', 'address_not_public'],
    ['https://100.100.100.200/', 'address_not_public'],
    ['https://192.0.0.192/', 'address_not_public'],
    ['https://168.63.129.16/', 'address_not_public'],
    ['https://198.18.0.1/', 'address_not_public'],
    ['https://224.0.0.1/', 'address_not_public'],
    ['https://240.0.0.1/', 'address_not_public'],
    ['https://255.255.255.255/', 'address_not_public'],
    ['https://[fe80::1]/', 'address_not_public'],
    ['https://[fc00::1]/', 'address_not_public'],
    ['https://[fd00:ec2::254]/', 'address_not_public'],
    ['https://[fec0::1]/', 'address_not_public'],
    ['https://[ff02::1]/', 'address_not_public'],
    ['https://[2001:db8::1]/', 'address_not_public'],
    // IPv6 that stands for an address of IPv4: mapped, compatible, translated, NAT64, 6to4, Teredo.
    ['https://[::ffff:127.0.0.1]/', 'address_not_public'],
    ['https://[::ffff:7f00:1]/', 'address_not_public'],
    ['https://[::ffff:93.184.216.34]/', 'address_not_public'],
    ['https://[::127.0.0.1]/', 'address_not_public'],
    ['https://[::ffff:0:127.0.0.1]/', 'address_not_public'],
    ['https://[64:ff9b::169.254.169.254]/', 'address_not_public'],
    ['https://[64:ff9b::a9fe:a9fe]/', 'address_not_public'],
    ['https://[64:ff9b:1::a00:1]/', 'address_not_public'],
    ['https://[2002:7f00:1::]/', 'address_not_public'],
    ['https://[2002:a9fe:a9fe::1]/', 'address_not_public'],
    ['https://[2001:0:53aa:64c::]/', 'address_not_public'],
    ['https://[4000::1]/', 'address_not_public'],
  ])('%s: %s', (text, refused) => {
    expect(spelledUrl(text, guarded)).toEqual({ refused });
  });
});

describe('for development a webhook may go', () => {
  test.each(['http://127.0.0.1:9999/hooks', 'https://localhost/', 'http://[::1]/', 'http://receiver/'])(
    'to %s',
    (href) => {
      expect(spelledUrl(href, { allowPrivate: true })).toEqual({ href });
    },
  );

  test.each([
    ['ftp://127.0.0.1/', 'scheme_not_allowed'],
    ['http://user@127.0.0.1/', 'credentials_in_url'],
    ['http://127.0.0.1/#a', 'fragment_in_url'],
    ['127.0.0.1', 'url_malformed'],
  ])('but not to %s', (text, refused) => {
    expect(spelledUrl(text, { allowPrivate: true })).toEqual({ refused });
  });
});

describe('an address', () => {
  test.each(['', 'app.example', '127.0.0.1, 93.184.216.34', '93.184.216.34/32'])(
    'is not public when it is none: %p',
    (address) => {
      expect(isPublicAddress(address)).toBe(false);
    },
  );

  test('is not public by standing for one that is, however it is written', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const mapped = ipaddr.IPv4.parse(address).toIPv4MappedAddress();
        expect(isPublicAddress(mapped.toString())).toBe(false);
        expect(isPublicAddress(mapped.toNormalizedString())).toBe(false);
        expect(isPublicAddress(`::${address}`)).toBe(false);
        expect(isPublicAddress(`64:ff9b::${address}`)).toBe(false);
      }),
    );
  });

  test('of IPv6 outside of 2000::/3 is never public', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const [first = 0] = ipaddr.IPv6.parse(address).parts;
        expect(isPublicAddress(address) && first >> 13 !== 1).toBe(false);
      }),
    );
  });
});
