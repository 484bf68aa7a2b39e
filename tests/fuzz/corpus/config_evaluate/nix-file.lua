{ config, pkgs, ... }:
{
  networking.hostName = "vm";
}
