package origin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gosocketio/socketio/internal/refusal"
)

// Policy lists the pages that may connect to a server, besides its own.
type Policy struct {
	Patterns []Pattern
	// Allow, if set, is called for an origin that no pattern matches.
	Allow   func(r *http.Request, origin string) bool
	Proxies Proxies
	// IsScript, if set, tells whether a request is for a script (JSONP).
	IsScript func(*http.Request) bool
}

// The rules by which a request is refused.
const (
	RuleInvalid   = "invalid origin"
	RuleForeign   = "foreign origin"
	RuleCrossSite = "cross-site request"
)

const secFetchSite = "Sec-Fetch-Site"

// Check returns nil if a request may be served, otherwise a Rule with the page's origin as Value.
//
// It may if no page of another origin sent it, if the page is the server's own or on the same
// machine, or if the policy lists the page's origin.
func (p *Policy) Check(r *http.Request) *refusal.Refusal {
	text, rule := p.pageOf(r)
	if text == "" {
		return nil
	}
	o, ok := Parse(text)
	switch {
	case !ok:
		return &refusal.Refusal{
			Rule: RuleInvalid, Value: text, Key: text,
			Remedy: fmt.Sprintf("no browser sends %.100q as Origin: correct the client or the proxy", text),
		}
	case IsSameOrigin(r.Header) || p.isOwn(r, o) || o.isLoopback() && isLocal(r) || p.lists(r, text, o):
		return nil
	}
	return p.refuse(r, text, o, rule)
}

// Exposes tells whether the page of the Origin header, of another origin, may read the response.
func (p *Policy) Exposes(r *http.Request) bool {
	text := header(r)
	o, ok := Parse(text)
	return ok && (p.lists(r, text, o) || o.isLoopback() && isLocal(r) && !p.isOwn(r, o))
}

// IsHidden tells whether a request for a script does not say whose page it is for.
func (p *Policy) IsHidden(r *http.Request) bool {
	h := r.Header
	return h["Origin"] == nil && h[secFetchSite] == nil && h["Referer"] == nil && p.IsScript(r) && !p.IsAny()
}

// IsAny tells whether every origin is allowed.
func (p *Policy) IsAny() bool { return slices.ContainsFunc(p.Patterns, Pattern.IsAny) }

// IsSameOrigin tells whether a browser calls its request same-origin.
//
// Pages cannot set this header, and proxies do not change what the browser compares.
func IsSameOrigin(h http.Header) bool { return h.Get(secFetchSite) == "same-origin" }

func (p *Policy) lists(r *http.Request, text string, o Origin) bool {
	isListed := slices.ContainsFunc(p.Patterns, func(a Pattern) bool { return a.Match(o) })
	return isListed || p.Allow != nil && p.Allow(r, text)
}

func (p *Policy) isOwn(r *http.Request, o Origin) bool {
	return o.isAt(r.Host) || p.Proxies.trusts(r) && slices.ContainsFunc(forwardedHosts(r), o.isAt)
}

// header returns the Origin header. Several headers join to an invalid origin.
func header(r *http.Request) string { return strings.Join(r.Header["Origin"], ", ") }

// pageOf returns the origin of the page that sent a request, and the rule that may refuse it.
//
// The origin is "" if there is no page of another origin: browsers send no Origin with GET requests
// to a page's own origin, and other clients never. Requests of other pages for scripts, pictures
// and links have no Origin either, but cookies. A page can read a script (JSONP), so the origin is
// then that of Referer, or "null" if the page hides it.
func (p *Policy) pageOf(r *http.Request) (origin, rule string) {
	if origin = header(r); origin != "" {
		return origin, RuleForeign
	}
	referer := r.Header.Get("Referer")
	switch r.Header.Get(secFetchSite) {
	case "cross-site", "same-site":
	case "":
		// Browsers do not send it to servers without TLS, except on their own machine. For JSONP
		// Referer counts.
		if referer == "" || p.IsScript == nil || !p.IsScript(r) {
			return "", ""
		}
	default:
		return "", ""
	}
	scheme, rest, found := strings.Cut(referer, "://")
	if !found {
		return "null", RuleCrossSite
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host, RuleCrossSite
}

// refuse returns the refusal of a request. Its remedy tells of proxies that hide the real host.
func (p *Policy) refuse(r *http.Request, text string, o Origin, rule string) *refusal.Refusal {
	no := &refusal.Refusal{Rule: rule, Value: text, Key: text, Field: "Config.CORS.Origins"}
	list := fmt.Sprintf("set Config.CORS.Origins to []string{%.100q} to let its pages connect", text)
	const passHost = "let the proxy pass the whole Host on (nginx: proxy_set_header Host $http_host)"
	name, _, _ := splitHost(r.Host)
	switch {
	case !p.Proxies.trusts(r) && slices.ContainsFunc(forwardedHosts(r), o.isAt):
		no.Field = "Config.TrustedProxies"
		no.Remedy = fmt.Sprintf("a proxy says that %.100q is this server: "+
			"add the proxy's address %s to Config.TrustedProxies", text, proxyAddr(r))
	case name != "" && name == o.host:
		no.Remedy = fmt.Sprintf("the port of %.100q is not that of Host %.100q: %s; or %s",
			text, r.Host, passHost, list)
	case rule == RuleForeign && isLocalName(r.Host) && !o.isLoopback() && defaultPort(o.scheme) != "":
		no.Remedy = fmt.Sprintf("if %.100q is this server behind a proxy, %s instead of %.100q; if not, %s",
			text, passHost, r.Host, list)
	default:
		no.Remedy = list
	}
	return no
}

// isLocalName tells whether a host is not public, as the hosts that proxies invent are.
func isLocalName(hostport string) bool {
	host, _, _ := splitHost(hostport)
	return host == "" || isLoopbackName(host) || !strings.Contains(host, ".") || parseHop(host).IsValid()
}
