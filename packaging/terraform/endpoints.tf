# The services within the VPC of the sites' machines, each for what the couriers ask of it alone.

locals {
  interfaces = var.vpc == null ? [] : ["sts", "kms", "sqs"]
}

resource "aws_vpc_endpoint" "s3" {
  count = var.vpc == null ? 0 : 1

  vpc_id            = var.vpc.id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = var.vpc.route_table_ids
  policy            = module.documents.endpoints["s3"]
  tags              = merge(local.tags, { Name = "${local.name}-s3" })
}

resource "aws_security_group" "endpoints" {
  count = var.vpc == null ? 0 : 1

  name        = "${local.name}-endpoints"
  description = "TLS from the machines of tenant ${var.tenant}"
  vpc_id      = var.vpc.id
  tags        = merge(local.tags, { Name = "${local.name}-endpoints" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = var.vpc == null ? toset([]) : toset(var.vpc.security_group_ids)

  security_group_id            = aws_security_group.endpoints[0].id
  referenced_security_group_id = each.value
  description                  = "Couriers"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_endpoint" "interface" {
  for_each = toset(local.interfaces)

  vpc_id              = var.vpc.id
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = var.vpc.subnet_ids
  security_group_ids  = [aws_security_group.endpoints[0].id]
  policy              = module.documents.endpoints[each.key]
  tags                = merge(local.tags, { Name = "${local.name}-${each.key}" })
}
