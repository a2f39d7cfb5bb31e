# Every policy, and the site.toml of each site, as text: no provider, no resource. The templates are
# read by the tests too, which compare them with what the couriers ask for.

locals {
  names = {
    partition    = var.partition
    account      = var.account
    region       = var.region
    tenant       = var.tenant
    bucket       = var.bucket
    audit_bucket = var.audit_bucket
  }
  sites      = sort(keys(var.sites))
  principals = distinct(flatten([for site in local.sites : var.sites[site].principals]))
  policies   = "${path.module}/policies"

  # KMS refuses a policy that names roles which are not there.
  role    = "arn:${var.partition}:iam::${var.account}:role/karakuri-${var.tenant}"
  erasers = length(var.erasers) > 0 ? ["${local.role}-eraser"] : []
  openers = concat(["${local.role}-auditor"], local.erasers)
  writers = concat(["${local.role}-upload"], local.erasers)

  # Of one site each: a machine borrows the roles for its own site alone.
  trust = flatten([
    for site in local.sites : jsondecode(templatefile("${local.policies}/trust.json.tftpl", {
      tenant      = var.tenant
      site        = site
      principals  = var.sites[site].principals
      external_id = var.sites[site].external_id
    })).Statement
  ])
}
